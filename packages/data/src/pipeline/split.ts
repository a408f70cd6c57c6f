import { DataError } from '../error.js';
import { placeOf } from './chance.js';
import { type DataRecord, promptDigest } from './record-texts.js';

/** The parts of a split by name, each with its share of the prompts. */
export type Shares = Readonly<Record<string, number>>;

/**
 * Makes the function that says in which part a record is. Records of one prompt, whatever its case and white space, are in one part,
 * and stay there when others are added to the data; the shares hold for many prompts.
 *
 * @param shares positive numbers whose sum is 1
 * @param seed another seed gives another split
 * @throws {DataError} `bad-option`
 */
export function splitByPrompt(shares: Shares, seed: number): (record: DataRecord) => string {
  const entries = Object.entries(shares);
  const sum = entries.reduce((total, [, share]) => total + share, 0);
  if (entries.length < 2 || entries.some(([, share]) => !(share > 0)) || Math.abs(sum - 1) > 1e-9) {
    throw new DataError(
      'bad-option',
      `the parts of a split are ${entries.map(([name, share]) => `${name} ${share}`).join(', ') || 'none'}`,
      'give two parts or more, with positive shares that sum to 1',
    );
  }
  const last = entries.at(-1)?.[0] ?? '';
  return (record) => {
    let place = placeOf(promptDigest(record), seed, 'split');
    for (const [name, share] of entries) {
      if (place < share) return name;
      place -= share;
    }
    // The shares sum to 1 up to rounding.
    return last;
  };
}
