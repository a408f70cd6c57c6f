import { byteAlphabet } from './bpe/pre-tokens.js';
import type { TokenTable } from './token-table.js';
import type { TokenizerJson } from './tokenizer-json.js';

/** Decodes ids to text; unknown ids give nothing. */
export type DecodeIds = (ids: readonly number[], skipSpecial: boolean) => string;

const byteOf: ReadonlyMap<string, number> = new Map(byteAlphabet.map((character, byte) => [character, byte]));

/**
 * Makes the decoder of a tokenizer whose tokens spell bytes, as the library decodes: a token with a character that stands for no
 * byte gives its own UTF-8, and bytes that are no UTF-8 give U+FFFD. Without it, the library would be opened to write text, which
 * takes about 500 bytes of memory for each token.
 *
 * @returns undefined where another decoder, or none, is asked for
 */
export function byteDecoderOf(
  { decoder }: TokenizerJson,
  { nameOf, addedOf }: TokenTable,
): DecodeIds | undefined {
  if (typeof decoder !== 'object' || decoder === null || !('type' in decoder) || decoder.type !== 'ByteLevel')
    return undefined;
  const utf8 = new TextDecoder('utf-8', { ignoreBOM: true });
  return (ids, skipSpecial) => {
    const bytes: number[] = [];
    for (const id of ids) {
      const name = nameOf(id);
      if (name === undefined || (skipSpecial && addedOf(id)?.special === true)) continue;
      appendBytes(name, bytes);
    }
    return utf8.decode(Uint8Array.from(bytes));
  };
}

function appendBytes(name: string, bytes: number[]): void {
  const before = bytes.length;
  for (const character of name) {
    const byte = byteOf.get(character);
    if (byte === undefined) {
      bytes.length = before;
      bytes.push(...Buffer.from(name));
      return;
    }
    bytes.push(byte);
  }
}
