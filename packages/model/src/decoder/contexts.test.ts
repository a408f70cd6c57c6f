import {
  type AnyArray,
  compile,
  type DeviceName,
  float32,
  int32,
  type KeysAndValues,
  place,
  zeros,
} from '@gram/engine';
import { deviceStates, maxRelativeDifference } from '@gram/engine/testing';
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { configToJson } from '../config/config-json.js';
import { type ModelConfig, sharedLength } from '../config/model-config.js';
import { parseConfig } from '../config/parse-config.js';
import { createGenerator } from '../generation/generator.js';
import { cases, prompt, tokens, weightsOf } from './__fixtures__/context-cases.js';
import { extendSequence, hiddenStates, stateAt } from './decoder.js';
import { nextTokenLosses, vocabularyLogits } from './heads.js';
import type { WeightTensors } from './model-tensors.js';
import { growingPositionArrays, type PositionTables, positionDimensions } from './position-tables.js';

const all = int32([1, tokens.length], tokens);
const TOLERANCE = 1e-4;

function largestDifference(found: Iterable<number>, expected: readonly number[]): number {
  const values = [...found];
  expect(values).toHaveLength(expected.length);
  return Math.max(...values.map((value, i) => Math.abs(value - expected[i]!)));
}

type Inputs = { weights: WeightTensors; tokens: tf.Tensor2D };
type Scored = Inputs & { tables: PositionTables; last: tf.Tensor1D };

/** Logits after the last token of each of some beginnings, computed together. */
async function lastLogits(config: ModelConfig, lengths: readonly number[], device: DeviceName) {
  const longest = Math.max(...lengths);
  const rows = new Int32Array(lengths.length * longest);
  for (const [i, length] of lengths.entries()) rows.set(tokens.slice(0, length), i * longest);
  const run = compile(
    ({ weights, tokens: ids, tables, last }: Scored) => ({
      logits: vocabularyLogits(config, weights, stateAt(config, weights, ids, last, tables)),
    }),
    { device, dimensions: { ...positionDimensions, tokens: ['B', 'T'], last: ['B'] } },
  );
  const { logits } = await run({
    weights: await place(weightsOf(config), device),
    tokens: int32([lengths.length, longest], rows),
    tables: growingPositionArrays(config)(longest),
    last: int32(
      [lengths.length],
      lengths.map((length) => length - 1),
    ),
  });
  run.dispose();
  const { vocabSize } = config;
  return lengths.map((_, i) => logits.data.slice(i * vocabSize, (i + 1) * vocabSize));
}

/** Logits after the last token, of which the first are in a cache. */
async function extendedLogits(config: ModelConfig, known: number): Promise<Iterable<number>> {
  type Extension = Scored & { positions: tf.Tensor2D; cache: Record<string, KeysAndValues> };
  const run = compile(({ weights, tables, cache, last: end, ...rest }: Extension) => {
    const past = Object.values(cache);
    const { state, cache: next } = extendSequence(config, weights, { ...rest, end }, past, tables);
    const named = Object.fromEntries(next.map((layer, i) => [String(i), layer]));
    return { logits: vocabularyLogits(config, weights, state), cache: named };
  });
  const room = () => zeros([1, config.numKeyValueHeads, tokens.length, config.headDim]);
  let cache: Record<string, { keys: AnyArray; values: AnyArray }> = Object.fromEntries(
    Array.from({ length: config.numHiddenLayers }, (_, i) => [i, { keys: room(), values: room() }]),
  );
  let logits: Iterable<number> = [];
  for (const [start, end] of [
    [0, known],
    [known, tokens.length],
  ] as const) {
    const out = await run({
      weights: weightsOf(config),
      tables: growingPositionArrays(config)(tokens.length),
      tokens: int32([1, end - start], tokens.slice(start, end)),
      positions: int32(
        [1, end - start],
        Array.from({ length: end - start }, (_, i) => start + i),
      ),
      last: int32([1], [end - 1]),
      cache,
    });
    cache = out.cache;
    logits = out.logits.data;
  }
  run.dispose();
  return logits;
}

describe.each(Object.entries(cases))('%s against transformers', (_, expected) => {
  const config = parseConfig(expected.config, 'config.json');

  it('gives the same logits at every position', async () => {
    const run = compile(({ weights, tokens: ids }: Inputs) => ({
      logits: vocabularyLogits(config, weights, hiddenStates(config, weights, ids)),
    }));
    const { logits } = await run({ weights: weightsOf(config), tokens: all });
    run.dispose();
    expect(largestDifference(logits.data, expected.logits)).toBeLessThan(TOLERANCE);
  });

  it('gives the same logits after shorter sequences, alone and side by side', async () => {
    const lengths = Object.keys(expected.beginnings).map(Number);
    const together = lengths.filter((length) => length <= sharedLength(config));
    const batches = [together, ...lengths.map((length) => [length])];
    for (const batch of batches) {
      const found = await lastLogits(config, batch, 'cpu');
      for (const [i, length] of batch.entries()) {
        const difference = largestDifference(found[i]!, expected.beginnings[length]!);
        expect(difference, `${length} of ${batch}`).toBeLessThan(TOLERANCE);
      }
    }
  });

  it('gives the same loss and gradients', async () => {
    const names = Object.keys(expected.gradients);
    const run = compile(({ weights, tokens: ids }: Inputs) => {
      const positions = tf.tensor1d(expected.positions, 'int32');
      const targets = tf.tensor1d(expected.targets, 'int32');
      const { value, grads } = tf.valueAndGrads((...changed: tf.Tensor[]) => {
        const replaced = Object.fromEntries(names.map((name, i) => [name, changed[i]!]));
        return tf.mean(nextTokenLosses(config, { ...weights, ...replaced }, ids, positions, targets));
      })(names.map((name) => weights[name]!));
      return { loss: value, gradients: Object.fromEntries(names.map((name, i) => [name, grads[i]!])) };
    });
    const { loss, gradients } = await run({ weights: weightsOf(config), tokens: all });
    run.dispose();
    expect(Math.abs(loss.data[0]! - expected.loss)).toBeLessThan(1e-5 * expected.loss);
    for (const name of names) {
      const found = gradients[name]!;
      const wanted = float32(found.shape, Float32Array.from(expected.gradients[name]!));
      expect(maxRelativeDifference(found, wanted), name).toBeLessThan(1e-4);
    }
  });

  it('continues with the same tokens', async () => {
    const generator = createGenerator({ config, weights: weightsOf(config) });
    const continued = async (lengths: number[], maxNewTokens: number) => {
      const requests = lengths.map((length) => ({
        ids: tokens.slice(0, length),
        decodings: [{ temperature: 0 }],
      }));
      const found = await generator.generate(requests, { maxNewTokens, stopIds: [] });
      return found.map(([completion]) => completion!.ids);
    };
    expect((await continued([prompt, prompt - 5], expected.greedy.length))[0]).toEqual(expected.greedy);
    // Prompts that are longer than the original context do not change each other either.
    const lengths = [prompt + 8, prompt, prompt + 5, prompt + 8];
    const together = await continued(lengths, 8);
    for (const [i, length] of lengths.entries()) expect([together[i]]).toEqual(await continued([length], 8));
    generator.dispose();
  });

  // The keys of a longer sequence are other ones under dynamic scaling.
  it.runIf(sharedLength(config) > tokens.length)('goes on from a shared beginning', async () => {
    for (const known of [5, 13, 30]) {
      const difference = largestDifference(
        await extendedLogits(config, known),
        expected.beginnings[tokens.length]!,
      );
      expect(difference, `${known} known`).toBeLessThan(TOLERANCE);
    }
  });

  it('is written as it was read', () => {
    expect(parseConfig(JSON.parse(JSON.stringify(configToJson(config))), 'config.json')).toEqual(config);
  });
});

for (const { device, reason } of await deviceStates()) {
  const compare = () => {
    for (const [name, { config: json, beginnings }] of Object.entries(cases)) {
      it(`${name}: gives the same logits`, async () => {
        const config = parseConfig(json, 'config.json');
        const [found] = await lastLogits(config, [tokens.length], device);
        expect(largestDifference(found!, beginnings[tokens.length]!)).toBeLessThan(TOLERANCE);
      });
    }
  };
  if (reason === undefined) describe(`on ${device}`, compare);
  // This machine cannot run the device; the name of the suite says why.
  else describe.skip(`on ${device} (${reason})`, compare);
}
