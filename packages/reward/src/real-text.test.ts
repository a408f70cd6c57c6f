import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { conversationText } from '@gram/base';
import { readPreferences } from '@gram/data';
import { compile, int32 } from '@gram/engine';
import {
  labelLogits,
  labelLogitsOf,
  loadModel,
  type ModelConfig,
  type ModelTensors,
  readCompanions,
  type Weights,
} from '@gram/model';
import { type ComparisonItem, rankAll, sigmoid } from '@gram/ranking';
import {
  chatLayoutOf,
  createPairEncoder,
  judgePrompt,
  type PairEncoder,
  plainChat,
  tokenizerFromJson,
  tokenizerOf,
  trainBpe,
} from '@gram/tokenize';
import type * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { tinyConfig, tinyWeights } from './__fixtures__/tiny-model.js';
import { createGenerativeRewardModel, type GenerativeRewardModel } from './judging/generative.js';
import { createForward } from './sequences/forward.js';
import { createNumberCache } from './sequences/number-cache.js';
import { runSequences } from './sequences/run-sequences.js';

const file = fileURLToPath(new URL('../../../../shared/data/hh-rlhf/helpful-base.jsonl.gz', import.meta.url));
const gguf = process.env.GRAM_SMOLLM2_GGUF;

interface Parts {
  readonly config: ModelConfig;
  readonly weights: Weights;
  readonly encoder: PairEncoder;
}

/** A small model with random weights, and a tokenizer that was trained on texts of the file. */
async function smallModel(): Promise<Parts> {
  const texts: string[] = [];
  for await (const { prompt, chosen } of readPreferences(file)) {
    if (texts.push(conversationText(prompt), conversationText(chosen)) === 400) break;
  }
  const config = { ...tinyConfig('LlamaForCausalLM'), vocabSize: 1000, maxPositionEmbeddings: 2048 };
  const tokenizer = tokenizerFromJson(
    trainBpe({ texts, vocabSize: config.vocabSize, specialTokens: plainChat.specialTokens }),
  );
  const prompt = judgePrompt('gram-compact-1');
  const encoder = await createPairEncoder({
    tokenizer,
    prompt,
    chat: plainChat,
    maxLength: 2048,
    overlong: 'truncate',
  });
  return { config, weights: tinyWeights(config), encoder };
}

async function smolLm2(): Promise<Parts> {
  const { config, weights, path } = await loadModel(gguf!);
  const files = await readCompanions(path);
  const tokenizer = tokenizerOf(files, path);
  const chat = await chatLayoutOf(files, tokenizer, path, undefined);
  const prompt = judgePrompt('gram-eval-1');
  const encoder = await createPairEncoder({ tokenizer, prompt, chat, maxLength: 512, overlong: 'truncate' });
  return { config, weights, encoder };
}

const models = [
  ['a small model', smallModel, existsSync(file), { pairs: 24, calls: 12, listed: 6 }],
  [
    'SmolLM2-135M-Instruct (GRAM_SMOLLM2_GGUF)',
    smolLm2,
    gguf !== undefined && existsSync(file),
    { pairs: 6, calls: 3, listed: 3 },
  ],
] as const;

// The pairs are not part of this repository; the second model needs its file as well.
describe.each(models)('%s on real pairs', (_name, load, present, size) => {
  describe.skipIf(!present)('every shortcut gives the numbers of the plain way', () => {
    let parts: Parts;
    let items: ComparisonItem[];
    /** Probability of `a` by place: shown first, shown second; each sequence by itself, nothing shared, nothing remembered. */
    let plain: (readonly [number, number])[];
    let model: GenerativeRewardModel;
    beforeAll(async () => {
      parts = await load();
      items = [];
      for await (const { prompt, chosen, rejected } of readPreferences(file)) {
        items.push({ prompt, a: chosen, b: rejected });
        if (items.length === size.pairs) break;
      }
      plain = await oneByOne(parts, items);
      model = createGenerativeRewardModel({ ...parts, batchTokens: 700, cacheEntries: 50 });
    });
    afterAll(() => model?.dispose());

    const mean = ([first, second]: readonly [number, number]) => (first + second) / 2;
    const expectPlain = (found: number, wanted: number) =>
      expect(Math.abs(found - wanted)).toBeLessThan(1e-5);

    it('has texts of unequal lengths and verdicts that differ', async () => {
      const lengths = await Promise.all(
        items.map(async (item) => (await parts.encoder.comparison(item)).ids.length),
      );
      expect(Math.max(...lengths)).toBeGreaterThan(2 * Math.min(...lengths));
      const all = plain.flat();
      expect(Math.max(...all) - Math.min(...all)).toBeGreaterThan(0.01);
    });

    it('in any company, and with what was computed before', async () => {
      const order = fc.shuffledSubarray(
        items.map((_, i) => i),
        { minLength: 1 },
      );
      await fc.assert(
        fc.asyncProperty(order, fc.boolean(), async (chosen, swapped) => {
          const asked = chosen
            .map((i) => items[i]!)
            .map(({ a, b, ...rest }) => ({ ...rest, ...(swapped ? { a: b, b: a } : { a, b }) }));
          const results = await model.compare(asked);
          for (const [at, i] of chosen.entries()) {
            const { probability, orders } = results[at]!;
            // score(a, b) + score(b, a) = 1
            expectPlain(probability, swapped ? 1 - mean(plain[i]!) : mean(plain[i]!));
            expectPlain(orders![0], swapped ? 1 - plain[i]![1] : plain[i]![0]);
          }
        }),
        { numRuns: size.calls },
      );
    });

    it('with beginnings computed once, and in batches', async () => {
      const forward = forwardOf(parts);
      const sequences = await sequencesOf(parts, items);
      for (const runCost of [1, 1e9]) {
        const cache = createNumberCache(0);
        const logits = await runSequences(
          sequences,
          { ...forward, runCost },
          { batchTokens: 2048, cache },
          {},
        );
        for (const [i, wanted] of plain.entries()) {
          const [ab, ba] = [logits[2 * i]!, logits[2 * i + 1]!];
          expectPlain(sigmoid(ab[0]! - ab[1]!), wanted[0]);
          expectPlain(1 - sigmoid(ba[0]! - ba[1]!), wanted[1]);
        }
      }
      forward.dispose();
    });

    it('in a list, where every response meets every other', async () => {
      const { prompt } = items[0]!;
      const responses = items.slice(0, size.listed).flatMap(({ a, b }) => [a, b]);
      const pairs = responses.flatMap((a, i) => responses.slice(i + 1).map((b) => ({ prompt, a, b })));
      const wanted = await oneByOne(parts, pairs);
      const fresh = createGenerativeRewardModel(parts);
      const listed: number[] = [];
      const watching = {
        compare: async (asked: readonly ComparisonItem[]) => {
          const results = await fresh.compare(asked);
          for (const { probability } of results) listed.push(probability);
          return results;
        },
      };
      await rankAll(watching, [{ prompt, responses }], { strategy: 'round-robin' });
      fresh.dispose();
      expect(listed).toHaveLength(pairs.length);
      for (const [i, probability] of listed.entries()) expectPlain(probability, mean(wanted[i]!));
    });

    it('in one order, and where the second cannot change the winner', async () => {
      const bias = Math.max(...plain.map(([first, second]) => Math.abs(first - second)));
      const one = createGenerativeRewardModel({ ...parts, orders: 1 });
      const bounded = createGenerativeRewardModel({ ...parts, positionBiasBound: Math.min(1, bias + 1e-5) });
      const [single, winners] = [await one.compare(items), await bounded.compare(items)];
      for (const [i, wanted] of plain.entries()) {
        expectPlain(single[i]!.probability, wanted[0]);
        const distance = mean(wanted) - 0.5;
        // Closer to a tie than rounding there is no winner.
        if (Math.abs(distance) > 1e-5)
          expect(Math.sign(winners[i]!.probability - 0.5)).toBe(Math.sign(distance));
      }
      one.dispose();
      bounded.dispose();
    });
  });
});

function forwardOf({ config, weights, encoder }: Parts) {
  return createForward(config, weights, (w, states) => labelLogitsOf(config, w, states, encoder.labelIds));
}

async function sequencesOf(
  { encoder }: Parts,
  items: readonly ComparisonItem[],
): Promise<(readonly number[])[]> {
  const both = items.flatMap(({ prompt, a, b }) => [
    { prompt, a, b },
    { prompt, a: b, b: a },
  ]);
  return Promise.all(both.map(async (item) => (await encoder.comparison(item)).ids));
}

/** The logits of the labels after each sequence by itself, without anything of this package. */
async function oneByOne(
  parts: Parts,
  items: readonly ComparisonItem[],
): Promise<(readonly [number, number])[]> {
  const { config, weights, encoder } = parts;
  const run = compile((inputs: { weights: ModelTensors; tokens: tf.Tensor2D; last: tf.Tensor1D }) => ({
    logits: labelLogits(config, inputs.weights, inputs.tokens, inputs.last, encoder.labelIds),
  }));
  const first: number[] = [];
  for (const ids of await sequencesOf(parts, items)) {
    const inputs = { tokens: int32([1, ids.length], ids), last: int32([1], [ids.length - 1]) };
    const { logits } = await run({ weights, ...inputs });
    first.push(sigmoid(logits.data[0]! - logits.data[1]!));
  }
  run.dispose();
  return items.map((_, i) => [first[2 * i]!, 1 - first[2 * i + 1]!] as const);
}
