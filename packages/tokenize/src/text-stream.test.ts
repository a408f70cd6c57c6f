import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { trainBpe } from './bpe/train-bpe.js';
import { modelTokenizer } from './chat/__fixtures__/models.js';
import { tokenizerFromJson } from './library.js';
import { createTextStream } from './text-stream.js';

const bytes = tokenizerFromJson(trainBpe({ texts: [], vocabSize: 257, specialTokens: ['<|end|>'] }));
const qwen = modelTokenizer('qwen3');

async function stream(tokenizer: typeof bytes, ids: readonly number[]) {
  const { push, end } = createTextStream(tokenizer);
  const parts: string[] = [];
  for (const id of ids) parts.push(await push(id));
  return { parts, rest: await end() };
}

describe.each([
  ['single bytes', bytes],
  ['a large vocabulary', qwen],
])('a text stream of %s', (_, tokenizer) => {
  const character = fc.oneof(
    fc.constantFrom('é', '好', '🙂', '👩‍💻', 'ü', '\n', ' ', 'word', '\uFFFD', '<|end|>', '𓂀', 'नमस्ते'),
    fc.string({ unit: 'binary', maxLength: 2 }),
  );
  const text = fc.array(character, { maxLength: 12 }).map((parts) =>
    parts
      .join('')
      .replace(/\p{Surrogate}/gu, '')
      .normalize('NFC'),
  );

  it('gives the whole text, and whole characters only', async () => {
    await fc.assert(
      fc.asyncProperty(text, async (value) => {
        const ids = await tokenizer.encode(value);
        const { parts, rest } = await stream(tokenizer, ids);
        expect(parts.join('') + rest).toBe(value);
        for (const part of parts) expect(part).not.toMatch(/\p{Surrogate}/u);
        if (!value.includes('\uFFFD')) expect(parts.join('')).toBe(value);
      }),
      { numRuns: 150 },
    );
  });

  it('gives what decoding at once gives, for any ids', async () => {
    // In Qwen3 the first 256 ids are bytes as well.
    const id = fc.oneof(fc.nat({ max: 256 }), fc.nat({ max: tokenizer.vocabSize - 1 }));
    await fc.assert(
      fc.asyncProperty(fc.array(id, { maxLength: 24 }), async (ids) => {
        const { parts, rest } = await stream(tokenizer, ids);
        expect(parts.join('') + rest).toBe(await tokenizer.decode(ids));
        for (const part of parts) expect(part).not.toMatch(/\uFFFD$/);
      }),
      { numRuns: 150 },
    );
  });
});

describe('a text stream', () => {
  it('holds a character back until it is complete', async () => {
    const { parts, rest } = await stream(bytes, await bytes.encode('a🙂b'));
    expect([...parts, rest]).toEqual(['a', '', '', '', '🙂', 'b', '']);
  });

  it('gives the rest of a broken character at its end, and can be used again', async () => {
    const ids = await bytes.encode('é');
    const { push, end } = createTextStream(bytes);
    expect([await push(ids[0]!), await end(), await end()]).toEqual(['', '\uFFFD', '']);
    expect([await push(ids[0]!), await push(ids[1]!), await end()]).toEqual(['', 'é', '']);
  });

  it('answers calls that overlap in order', async () => {
    const ids = await qwen.encode('two words 👩‍💻 and more');
    const { push, end } = createTextStream(qwen);
    const parts = await Promise.all([...ids.map(push), end()]);
    expect(parts.join('')).toBe('two words 👩‍💻 and more');
  });
});
