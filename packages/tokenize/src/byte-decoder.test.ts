import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { Tokenizer as NativeTokenizer } from 'tokenizers';
import { expect, it } from 'vitest';
import { modelTokenizer } from './chat/__fixtures__/models.js';
import { tokenizerFromJson } from './library.js';

const trained = readFileSync(new URL('./bpe/__fixtures__/tokenizer.json', import.meta.url), 'utf8');
const odd = JSON.parse(trained);
// Characters that stand for no byte, and for parts of characters.
for (const [at, name] of ['日本', 'é日', 'Ã', '\uFEFF', 'ï»¿', '💡'].entries())
  odd.model.vocab[name] = 100_000 + at;

it.each([
  ['Qwen3', modelTokenizer('qwen3').json],
  ['a trained one', trained],
  ['one with other characters', JSON.stringify(odd)],
])('gives the text that the library gives, whatever the ids: %s', async (_, text) => {
  const tokenizer = tokenizerFromJson(text);
  const native = NativeTokenizer.fromString(text);
  const id = fc.oneof(
    fc.nat(tokenizer.vocabSize + 10),
    fc.constantFrom(...JSON.parse(text).added_tokens.map((token: { id: number }) => token.id)),
    fc.integer({ min: 100_000, max: 100_006 }),
    fc.constant(2 ** 32 - 1),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(id, { maxLength: 12 }), fc.boolean(), async (ids, skipSpecial) => {
      expect(await tokenizer.decode(ids, { skipSpecial })).toBe(await native.decode(ids, skipSpecial));
    }),
    { numRuns: 2000, seed: 1 },
  );
});

it('refuses what is no id', async () => {
  const tokenizer = tokenizerFromJson(trained);
  for (const id of [-1, 0.5, Number.NaN, 2 ** 32])
    await expect(tokenizer.decode([1, id])).rejects.toMatchObject({ code: 'bad-text' });
});
