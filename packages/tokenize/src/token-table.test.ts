import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { Tokenizer as NativeTokenizer } from 'tokenizers';
import { expect, it } from 'vitest';
import { modelTokenizer } from './chat/__fixtures__/models.js';
import { componentProblem } from './checks/components.js';
import { tokenizerFromJson } from './library.js';
import { tokenTableOf } from './token-table.js';
import { parseTokenizerJson } from './tokenizer-json.js';
import { createMerger, vocabularyOf } from './words/merger.js';
import { wordRulesOf } from './words/rules.js';

type Json = Record<string, unknown>;

const trained = readFileSync(new URL('./bpe/__fixtures__/tokenizer.json', import.meta.url), 'utf8');

/** The table of a file; undefined where the library is asked. */
function tableOf(text: string) {
  const json = parseTokenizerJson(text, 'x.json');
  if (componentProblem(json) !== undefined || wordRulesOf(json) === undefined) return undefined;
  const vocabulary = vocabularyOf(json.model);
  if (vocabulary === undefined || createMerger(json.model, vocabulary) === undefined) return undefined;
  return { table: tokenTableOf(json, vocabulary), vocabulary };
}

it.each([
  ['Qwen3', modelTokenizer('qwen3').json],
  ['a trained one', trained],
])('has the ids and names that the library gives: %s', (_, text) => {
  const { table, vocabulary } = tableOf(text)!;
  const native = NativeTokenizer.fromString(text);
  const added = (JSON.parse(text).added_tokens as { content: string }[]).map(({ content }) => content);
  for (const token of [...added, ...[...vocabulary.keys()].filter((_, at) => at % 97 === 0), 'no token']) {
    const id = native.tokenToId(token) ?? undefined;
    expect(table!.idOf(token), token).toBe(id);
    if (id !== undefined) expect(table!.nameOf(id)).toBe(native.idToToken(id));
  }
  expect(table!.nameOf(2 ** 31)).toBeUndefined();
});

const broken = [null, true, false, 0, 1, -1, 0.5, 2 ** 40, '', 'x', 'ByteLevel', '2.0', [], {}];

/** The file with a field left out or replaced, but for single tokens of the vocabulary and single merges. */
const changed = fc.array(fc.tuple(fc.nat(), fc.option(fc.constantFrom(...broken), { nil: undefined })), {
  minLength: 1,
  maxLength: 2,
});

function places(value: unknown, name = ''): { owner: Json; key: string }[] {
  if (typeof value !== 'object' || value === null || ['vocab', 'merges'].includes(name)) return [];
  return Object.entries(value).flatMap(([key, inner]) => [
    { owner: value as Json, key },
    ...places(inner, key),
  ]);
}

it('is there for no file that the library refuses, or reads otherwise', () => {
  let certain = 0;
  fc.assert(
    fc.property(changed, (changes) => {
      const json: Json = JSON.parse(trained);
      for (const [at, value] of changes) {
        const all = places(json);
        const { owner, key } = all[at % all.length]!;
        if (value === undefined) delete owner[key];
        else owner[key] = value;
      }
      const text = JSON.stringify({ ...json, post_processor: null, truncation: null, padding: null });
      let found: ReturnType<typeof tableOf>;
      try {
        found = tableOf(text);
      } catch {
        return;
      }
      if (found?.table === undefined) return;
      certain++;
      const native = NativeTokenizer.fromString(text);
      for (const { content } of JSON.parse(text).added_tokens ?? []) {
        expect(found.table.idOf(content)).toBe(native.tokenToId(content));
      }
    }),
    { numRuns: 600, seed: 1 },
  );
  // Otherwise nothing would have been compared.
  expect(certain).toBeGreaterThan(40);
});

it('decodes single added tokens as the library does', async () => {
  const tokenizer = tokenizerFromJson(trained);
  const native = NativeTokenizer.fromString(trained);
  for (const { id } of JSON.parse(trained).added_tokens as { id: number }[]) {
    expect(await tokenizer.decode([id])).toBe(await native.decode([id], false));
    expect(await tokenizer.decode([id], { skipSpecial: true })).toBe(await native.decode([id], true));
  }
});
