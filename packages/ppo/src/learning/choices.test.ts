import { readFileSync } from 'node:fs';
import { float32, zeros } from '@gram/engine';
import { evaluate } from '@gram/engine/testing';
import { type ModelConfig, type Weights, weightShapes } from '@gram/model';
import {
  directPreference,
  lossAndGradients,
  microBatches,
  type Objective,
  supervisedFineTuning,
} from '@gram/train';
import { describe, expect, it } from 'vitest';
import type { MeasuredResponse } from '../advantages/experience.js';
import { bestOf, preferenceOf } from './choices.js';

/** See `tools/make-choice-fixtures.py`. */
interface Fixture {
  readonly vocabulary: number;
  readonly width: number;
  readonly beta: number;
  readonly embedding: number[];
  readonly head: number[];
  readonly groups: {
    readonly ids: number[];
    readonly lossFrom: number;
    readonly score: number | null;
    readonly isMasked: boolean;
    readonly reference: number[];
  }[][];
  readonly pairs: ([number, number] | null)[];
  readonly best: (number | null)[];
  readonly preference: { readonly loss: number; readonly gradient: number[] };
  readonly imitation: { readonly loss: number; readonly gradient: number[] };
}
const path = new URL('../__fixtures__/choices.json', import.meta.url);
const fixture: Fixture = JSON.parse(readFileSync(path, 'utf8'));

const groups = fixture.groups.map((responses) =>
  responses.map(
    ({ reference, ...response }): MeasuredResponse => ({
      ...response,
      logProbabilities: reference.map(() => 0),
      reference: { logProbabilities: reference },
    }),
  ),
);

const config: ModelConfig = {
  architecture: 'LlamaForCausalLM',
  vocabSize: fixture.vocabulary,
  hiddenSize: fixture.width,
  intermediateSize: 4,
  numHiddenLayers: 1,
  numAttentionHeads: 1,
  numKeyValueHeads: 1,
  headDim: 4,
  rmsNormEps: 1e-6,
  ropeTheta: 10_000,
  maxPositionEmbeddings: 16,
  tieWordEmbeddings: false,
};

/** The matrices of the layer are zeros, so that it adds nothing to the embedding. */
const weights: Weights = Object.fromEntries(
  Object.entries(weightShapes(config)).map(([name, shape]) => {
    const values = { 'model.embed_tokens.weight': fixture.embedding, 'lm_head.weight': fixture.head }[name];
    if (values !== undefined) return [name, float32(shape, Float32Array.from(values))];
    const array = zeros(shape);
    if (shape.length === 1) array.data.fill(1);
    return [name, array];
  }),
);

/** The inputs are those of the objective. */
type Traced = (inputs: object) => ReturnType<ReturnType<typeof lossAndGradients>>;

async function lossOf<Example>(objective: Objective<Example>, examples: readonly Example[]) {
  const [batch] = microBatches(objective, examples, examples.length);
  const { loss, gradients } = await evaluate(lossAndGradients(config, objective) as Traced, {
    ...{ weights, gradients: {} },
    batch: batch!,
  });
  return { loss: loss.data[0]!, gradient: [...gradients['lm_head.weight']!.data] };
}

function expectClose(found: Awaited<ReturnType<typeof lossOf>>, expected: Fixture['preference']): void {
  expect(Math.abs(found.loss - expected.loss)).toBeLessThan(1e-5);
  expect(found.gradient.length).toBe(expected.gradient.length);
  for (const [i, value] of found.gradient.entries()) {
    expect(Math.abs(value - expected.gradient[i]!)).toBeLessThan(1e-5);
  }
  expect(Math.max(...expected.gradient)).toBeGreaterThan(1e-2);
}

describe('the responses to a prompt', () => {
  it('make the pair of the best and the worst, or none', async () => {
    const pairs = groups.map(preferenceOf);
    for (const [i, expected] of fixture.pairs.entries()) {
      const [pair] = pairs[i]!;
      if (expected === null) expect(pair).toBeUndefined();
      else {
        expect(pair!.chosen.ids).toEqual(fixture.groups[i]![expected[0]]!.ids);
        expect(pair!.rejected.ids).toEqual(fixture.groups[i]![expected[1]]!.ids);
      }
    }
    expect(pairs.flat().length).toBe(4);
    expectClose(await lossOf(directPreference({ beta: fixture.beta }), pairs.flat()), fixture.preference);
  });

  it('give the best one, or none', async () => {
    const best = groups.map(bestOf);
    for (const [i, place] of fixture.best.entries()) {
      expect(best[i]!.map(({ ids }) => ids)).toEqual(place === null ? [] : [fixture.groups[i]![place]!.ids]);
    }
    expectClose(await lossOf(supervisedFineTuning, best.flat()), fixture.imitation);
  });

  it('need a reference for a pair', () => {
    const [group] = groups;
    const without = group!.map(({ reference: _, ...response }) => response);
    expect(() => preferenceOf(without)).toThrow(/needs the reference/);
  });
});
