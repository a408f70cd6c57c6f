import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { searchStopText } from './stop-text.js';

type Decode = (ids: readonly number[]) => string;

/** How many tokens it takes until the whole text contains a string, by decoding all of them each time. */
function naive(ids: readonly number[], strings: readonly string[], decode: Decode): number | undefined {
  for (let count = 1; count <= ids.length; count++) {
    const text = decode(ids.slice(0, count));
    if (strings.some((string) => text.includes(string))) return count;
  }
  return undefined;
}

async function searched(ids: readonly number[], strings: readonly string[], decode: Decode) {
  const search = searchStopText({ strings, decode });
  for (let count = 1; count <= ids.length; count++) {
    if (await search.found(ids.slice(0, count))) return count;
  }
  return undefined;
}

// Token 0 is no text, as special tokens are; 1 to 255 are that byte; later ones are several bytes.
const pieces = ['ab', 'ba', '\n\n', 'User:', ' stop', 'é', '😀', 'aé', '\nUs', 'er', '</', 's>'];
const utf8 = new TextEncoder();
const bytesOf = (id: number) =>
  id === 0 ? [] : id < 256 ? [id] : [...utf8.encode(pieces[id - 256]!)].slice(0, id < 266 ? undefined : 2);
const byteDecode: Decode = (ids) => new TextDecoder().decode(Uint8Array.from(ids.flatMap(bytesOf)));

/** As SentencePiece decoders do it: a run of bytes that is not whole is nothing but replacement characters. */
const runDecode: Decode = (ids) => {
  let text = '';
  let run: number[] = [];
  const close = () => {
    try {
      text += new TextDecoder('utf-8', { fatal: true }).decode(Uint8Array.from(run));
    } catch {
      text += '\uFFFD'.repeat(run.length);
    }
    run = [];
  };
  for (const id of ids) {
    if (id > 0 && id < 256) run.push(id);
    else {
      close();
      text += byteDecode([id]);
    }
  }
  close();
  // They also drop a space in front.
  return text.replace(/^ /, '');
};

/** A text as tokens: characters by their bytes, or pieces. */
const texts = fc
  .array(
    fc.oneof(
      { weight: 4, arbitrary: fc.constantFrom(...'ab U:\nsé中😀').map((char) => [...utf8.encode(char)]) },
      { weight: 4, arbitrary: fc.integer({ min: 256, max: 255 + pieces.length }).map((id) => [id]) },
      { weight: 1, arbitrary: fc.integer({ min: 0, max: 255 }).map((id) => [id]) },
    ),
    { maxLength: 200 },
  )
  .map((parts) => parts.flat());
const stops = fc.array(
  fc.oneof(
    fc.constantFrom('User:', '</s>', '\n\nUser:', '😀😀', '中é', 'a', 'abab', '\n\n\n', 'never in it'),
    fc.string({ unit: fc.constantFrom(...'ab \né😀'), minLength: 2, maxLength: 12 }),
  ),
  { maxLength: 3 },
);

describe('searchStopText', () => {
  it.each<[string, Decode]>([
    ['bytes', byteDecode],
    ['runs of bytes', runDecode],
  ])('ends at the token that completes a stop string: %s', async (_name, decode) => {
    await fc.assert(
      fc.asyncProperty(texts, stops, async (ids, strings) => {
        expect(await searched(ids, strings, decode)).toBe(naive(ids, strings, decode));
      }),
      { numRuns: 400 },
    );
  });

  it.each(['😀😀😀😀😀', '中文中中', 'stop 😀'])(
    'finds %s deep in a text, at every alignment',
    async (stop) => {
      for (let before = 0; before < 160; before++) {
        const start = utf8.encode('中a😀b'.repeat(40)).slice(0, before);
        for (const decode of [byteDecode, runDecode]) {
          // The piece in between ends a run of bytes that is not whole.
          const ids = [...start, 257, ...utf8.encode(stop), 97];
          expect(await searched(ids, [stop], decode)).toBe(ids.length - 1);
        }
      }
    },
  );

  it('finds a string in the middle of a long run of bytes', async () => {
    const characters = [...'中文é😀'.repeat(20)];
    for (let before = 0; before < characters.length; before++) {
      const ids = [...utf8.encode(`${characters.slice(0, before).join('')}中中`), 257];
      for (const decode of [byteDecode, runDecode]) {
        expect(await searched(ids, ['中中'], decode)).toBe(naive(ids, ['中中'], decode));
      }
    }
  });

  it('takes nothing for a stop string that only the start of a tail has', async () => {
    // As WordPiece decoders do it: what continues a word has a mark where no word is before it.
    const marked: Decode = (ids) => (ids[0] === 0 ? '' : '##') + 'ab'.repeat(ids.length);
    const ids = Array.from({ length: 200 }, (_, i) => (i === 0 ? 0 : 1));
    expect(await searched(ids, ['##'], marked)).toBe(undefined);
  });

  it('decodes a tail of the text, and waits for a decoder that takes its time', async () => {
    const lengths: number[] = [];
    const search = searchStopText({
      strings: ['</s>'],
      decode: async (ids) => {
        lengths.push(ids.length);
        return byteDecode(ids);
      },
    });
    const ids = [...utf8.encode('no end in sight, '.repeat(60))];
    for (let count = 1; count <= ids.length; count++) {
      expect(await search.found(ids.slice(0, count))).toBe(false);
    }
    expect(Math.max(...lengths)).toBeLessThanOrEqual(64);
    expect(await search.found([...ids, 266, 267])).toBe(true);
  });
});
