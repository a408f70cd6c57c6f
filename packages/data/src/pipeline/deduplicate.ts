import { conversationKey, KeySet } from '@gram/base';
import { DataError } from '../error.js';
import { createSignatureIndex, minHash } from '../text/minhash.js';
import { shingles } from '../text/shingles.js';
import { hashWords, normalizedText } from '../text/words.js';
import { type DataRecord, digest, promptDigest, promptOf, recordDigest, textsOf } from './record-texts.js';
import { type Step, screen } from './step.js';

/** Words of a shingle; that of FineWeb (Penedo et al. 2024). */
const SHINGLE = 5;

/** Options of `createDuplicateFinder`, `deduplicate` and `deduplicateNear`. */
export interface DuplicateOptions {
  /** What is compared: the whole record, or its prompt alone. @default 'record' */
  readonly by?: 'record' | 'prompt' | undefined;
}

/**
 * Makes the function that tells whether a record repeats one that it was given before, whatever the case and white space. The order of
 * responses does not matter: a judged pair that prefers the other response is a contradiction. It remembers about 50 bytes of each
 * record.
 */
export function createDuplicateFinder({
  by = 'record',
}: DuplicateOptions = {}): (record: DataRecord) => 'duplicate' | 'contradiction' | undefined {
  const keys = new KeySet();
  const labeled = new KeySet();
  return (record) => {
    const key = by === 'prompt' ? promptDigest(record) : recordDigest(record);
    const label = by === 'record' && 'chosen' in record ? labelOf(record.chosen) : '';
    if (!keys.add(key)) return labeled.has(key + label) ? 'duplicate' : 'contradiction';
    labeled.add(key + label);
    return undefined;
  };
}

/** Leaves out records that repeat an earlier one; see `createDuplicateFinder`. */
export function deduplicate<Item extends DataRecord>(options: DuplicateOptions = {}): Step<Item> {
  return screen<Item>('duplicates', createDuplicateFinder(options));
}

function labelOf(response: Parameters<typeof conversationKey>[0]): string {
  return digest(normalizedText(conversationKey(response)));
}

/** Options of `deduplicateNear`. */
export interface NearDuplicateOptions extends DuplicateOptions {
  /** Smallest share of 5-word runs that two records have in common to be near (Jaccard similarity). @default 0.8 */
  readonly similarity?: number | undefined;
}

/**
 * Leaves out records that are nearly an earlier one, by the estimate of `minHash`: of 1,000 pairs with just the similarity some 80
 * are missed, of pairs with a similarity of 0.9 fewer than one. It remembers about 1 KB of each record that is kept.
 */
export function deduplicateNear<Item extends DataRecord>({
  by = 'record',
  similarity = 0.8,
}: NearDuplicateOptions = {}): Step<Item> {
  if (!(similarity >= 0.5 && similarity <= 1)) {
    throw new DataError(
      'bad-option',
      `the similarity of near duplicates is ${similarity}`,
      'give a number from 0.5 to 1; less similar texts are not found reliably',
    );
  }
  const index = createSignatureIndex();
  return screen('near-duplicates', (record) => {
    const texts = by === 'prompt' ? [conversationKey(promptOf(record))] : textsOf(record);
    const set = shingles(hashWords(texts.join('\n')), SHINGLE);
    // Texts without words, such as formulas, would all be alike.
    if (set.length === 0) return undefined;
    const signature = minHash(set);
    if (index.find(signature, similarity) !== undefined) return 'near-duplicate';
    index.add(signature);
    return undefined;
  });
}
