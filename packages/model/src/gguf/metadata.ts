import { quote } from '@gram/base';
import { badGguf } from './error.js';
import type { GgufHeader } from './parse.js';
import type { GgufValue } from './read-header.js';

const MAX_INT = 2 ** 31 - 1;

/** The metadata of a file, read with a check of the type. Absent keys give undefined. */
export interface Metadata {
  /** @throws {ModelError} `bad-gguf` when the value is no text. */
  text(key: string): string | undefined;
  /** @throws {ModelError} `bad-gguf` when the value is no whole number from 0 to 2^31 - 1. */
  count(key: string): number | undefined;
  /** @throws {ModelError} `bad-gguf` when the value is no finite number. */
  real(key: string): number | undefined;
  /** @throws {ModelError} `bad-gguf` when the value is no truth value. */
  flag(key: string): boolean | undefined;
  /** Reads a list, each time anew. @throws {ModelError} `bad-gguf` when the value is no list of texts. */
  texts(key: string): readonly string[] | undefined;
  /** Reads a list, each time anew. @throws {ModelError} `bad-gguf` when the value is no list of numbers. */
  numbers(key: string): readonly number[] | undefined;
}

/** The number that a 32-bit float stands for, with as few digits as tell it from others: 1e-5, not 9.99999974e-6. */
function shortest(value: number): number {
  if (Math.fround(value) !== value) return value;
  for (let digits = 1; digits < 9; digits++) {
    const short = Number(value.toPrecision(digits));
    if (Math.fround(short) === value) return short;
  }
  return value;
}

/** Checked access to the metadata of a header; `path` names the file in messages. */
export function metadataOf({ metadata }: GgufHeader, path: string): Metadata {
  function reader<T>(what: string, convert: (value: GgufValue) => T | undefined) {
    return (key: string): T | undefined => {
      const value = metadata.get(key);
      if (value === undefined) return undefined;
      const converted = convert(value);
      if (converted === undefined) throw badGguf(path, `the value of ${quote(key)} is no ${what}`);
      return converted;
    };
  }
  const isCount = (value: number) => Number.isInteger(value) && value >= 0 && value <= MAX_INT;
  return {
    text: reader('text', (value) => (typeof value === 'string' ? value : undefined)),
    count: reader('whole number of 31 bits', (value) => {
      const number = typeof value === 'bigint' ? Number(value) : value;
      return typeof number === 'number' && isCount(number) ? number : undefined;
    }),
    real: reader('finite number', (value) =>
      typeof value === 'number' && Number.isFinite(value) ? shortest(value) : undefined,
    ),
    flag: reader('truth value', (value) => (typeof value === 'boolean' ? value : undefined)),
    texts: reader('list of texts', (value) => {
      const items = typeof value === 'object' ? value.read() : undefined;
      return items?.every((item) => typeof item === 'string') ? items : undefined;
    }),
    numbers: reader('list of numbers', (value) => {
      const items = typeof value === 'object' ? value.read() : undefined;
      return items?.every((item) => typeof item === 'number') ? items : undefined;
    }),
  };
}
