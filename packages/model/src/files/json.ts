import { quote } from '@gram/base';
import { ModelError } from '../error.js';
import { readFully, withFile } from './read.js';

/** A value that JSON can hold. */
export type JsonValue = string | number | boolean | null | JsonValue[] | { [key: string]: JsonValue };

const MAX_DEPTH = 64;
// A short text can hold many values that are large in memory. A hundred times what large models need.
const MAX_VALUES = 1_000_000;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;

function closingQuote(text: string, open: number): number {
  for (let i = open + 1; i < text.length; i++) {
    const char = text.charCodeAt(i);
    if (char === QUOTE) return i;
    if (char === BACKSLASH) i++;
  }
  throw new SyntaxError('unterminated string');
}

/**
 * Refuses what `JSON.parse` would accept silently: repeated keys, of which it keeps the last, and `__proto__`.
 * Wrong syntax elsewhere is left to `JSON.parse`.
 */
function scan(text: string, where: string): void {
  const refuse = (what: string) =>
    new ModelError('bad-json', `${where} ${what}`, 'get the file again from its source');
  // The keys of each open object; undefined for an array.
  const open: (Set<string> | undefined)[] = [];
  let keyComes = false;
  let values = 0;
  for (let i = 0; i < text.length; i++) {
    const char = text.charCodeAt(i);
    if (char === QUOTE) {
      const end = closingQuote(text, i);
      if (keyComes) {
        const key = String(JSON.parse(text.slice(i, end + 1)));
        const keys = open.at(-1);
        if (key === '__proto__') throw refuse('has the key "__proto__"');
        if (keys?.has(key)) throw refuse(`repeats the key ${quote(key)}`);
        keys?.add(key);
        keyComes = false;
      }
      i = end;
    } else if (char === OPEN_BRACE || char === OPEN_BRACKET) {
      keyComes = char === OPEN_BRACE;
      values++;
      if (open.push(keyComes ? new Set() : undefined) > MAX_DEPTH) {
        throw refuse(`nests more than ${MAX_DEPTH} levels deep`);
      }
    } else if (char === CLOSE_BRACE || char === CLOSE_BRACKET) {
      keyComes = false;
      open.pop();
    } else if (char === COMMA) {
      keyComes = open.at(-1) !== undefined;
      values++;
    }
    if (values > MAX_VALUES) throw refuse(`holds more than ${MAX_VALUES} values`);
  }
}

/**
 * Parses JSON from an untrusted source: repeated keys, `__proto__`, nesting over 64 levels, more than a million
 * values and bytes that are not UTF-8 are errors. `where` names the text in messages.
 */
export function parseJson(bytes: Uint8Array, where: string): unknown {
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
    scan(text, where);
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof ModelError) throw error;
    throw new ModelError(
      'bad-json',
      `${where} is not valid JSON`,
      'check that the file is complete UTF-8 text',
      {
        cause: error,
      },
    );
  }
}

/** Reads and parses a JSON file of at most `maxBytes`. */
export function readJsonFile(path: string, maxBytes: number): Promise<unknown> {
  return withFile(path, async (handle, size) => {
    if (size > maxBytes) {
      throw new ModelError(
        'too-large',
        `${path} has ${size} bytes, more than the limit of ${maxBytes}`,
        'check that it is the file you mean',
      );
    }
    const bytes = new Uint8Array(size);
    await readFully(handle, bytes, 0, path);
    return parseJson(bytes, path);
  });
}
