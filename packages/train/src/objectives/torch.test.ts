import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { compile, float32, type NDArray } from '@gram/engine';
import { evaluate, maxRelativeDifference } from '@gram/engine/testing';
import { loadModel, type ModelConfig, type Weights, withHead } from '@gram/model';
import { describe, expect, it } from 'vitest';
import type { GenerationExample, PolicyPair, PreferenceExample } from '../examples/kinds.js';
import type { NamedTensors } from '../optimizers/optimizer.js';
import { lossAndGradients } from '../steps/gradient-pass.js';
import type { BatchTensors } from './batch.js';
import { bradleyTerry } from './bradley-terry.js';
import { directPreference, simplePreference } from './direct-preference.js';
import { generalizableReward } from './generalizable-reward.js';
import type { Objective } from './objective.js';
import type { PairLogProbabilities } from './policy-pairs.js';
import { preference } from './preference.js';
import { referenceLogProbabilities } from './reference-log-probabilities.js';
import { pairGeneration } from './token-generation.js';

type Head = 'linear' | 'mlp';

interface Case {
  readonly kind: keyof typeof objectives;
  readonly model: string;
  readonly head: Head | null;
  readonly options: Record<string, unknown>;
  readonly loss: number;
  /** Of vectors and of the score head. */
  readonly gradients: Record<string, number[]>;
  /** Euclidean norms of the gradients of all other weights. */
  readonly norms: Record<string, number>;
}

interface Fixture {
  readonly labels: [number, number];
  readonly judged: PreferenceExample[];
  readonly pairs: PolicyPair[];
  readonly margins: number[];
  readonly written: GenerationExample[];
  readonly references: PairLogProbabilities[];
  readonly heads: Record<Head, Record<string, { shape: number[]; data: number[] }>>;
  readonly cases: Case[];
  readonly logProbabilities: Record<string, PairLogProbabilities[]>;
}

// Made by tools/make-objective-fixtures.py with PyTorch and transformers, in float64.
const fixture: Fixture = JSON.parse(
  readFileSync(new URL('./__fixtures__/expected.json', import.meta.url), 'utf8'),
);
const { judged, pairs, margins, written, references } = fixture;
const rewarded = pairs.map(({ chosen, rejected }, i) => {
  return { chosen: chosen.ids, rejected: rejected.ids, margin: margins[i]! };
});
const referenced = pairs.map((pair, i) => ({ ...pair, reference: references[i]! }));

type Computed = { loss: NDArray; gradients: Record<string, NDArray> };

async function compute<Example>(
  config: ModelConfig,
  weights: Weights,
  objective: Objective<Example>,
  examples: readonly Example[],
): Promise<Computed> {
  const longest = Math.max(...examples.map((example) => objective.length(example)));
  const total = examples.reduce((sum, example) => sum + objective.weight(example), 0);
  // One row more than there are examples, and longer ones: padding must not matter.
  const batch = objective.batch(examples, examples.length + 1, longest + 3, total);
  const fn = lossAndGradients(config, objective);
  const run = (inputs: { weights: NamedTensors; batch: BatchTensors }) => fn({ ...inputs, gradients: {} });
  const { loss, gradients } = await compile(run)({ weights, batch });
  // TensorFlow.js' own backend, which runs the same function as it is.
  const eager = await evaluate(run, { weights, batch });
  expect(maxRelativeDifference({ loss }, { loss: eager.loss })).toBeLessThanOrEqual(1e-5);
  for (const name of Object.keys(weights)) {
    const floor = name === 'score.2.bias' ? 1 : undefined;
    const difference = maxRelativeDifference(gradients[name], eager.gradients[name], floor);
    expect(difference, `${name}, eager`).toBeLessThanOrEqual(1e-5);
  }
  return { loss, gradients };
}

const objectives = {
  preference: (config: ModelConfig, weights: Weights, options: object) =>
    compute(config, weights, preference({ labels: fixture.labels, ...options }), judged),
  bradleyTerry: (config: ModelConfig, weights: Weights, options: object) =>
    compute(config, weights, bradleyTerry(options), rewarded),
  generalizableReward: (
    config: ModelConfig,
    weights: Weights,
    { regularizer, ...options }: { regularizer?: string },
  ) =>
    regularizer === 'sft'
      ? compute(config, weights, generalizableReward('sft', options), pairs)
      : compute(config, weights, generalizableReward('dpo', options), referenced),
  directPreference: (config: ModelConfig, weights: Weights, options: object) =>
    compute(config, weights, directPreference(options), referenced),
  simplePreference: (config: ModelConfig, weights: Weights, options: object) =>
    compute(config, weights, simplePreference(options), pairs),
  tokenGeneration: (config: ModelConfig, weights: Weights, _options: object) =>
    compute(config, weights, pairGeneration, written),
};

const load = (name: string) =>
  loadModel(fileURLToPath(new URL(`../../../model/src/__fixtures__/${name}`, import.meta.url)));

/** The model of a case, with its score head beside or in the place of the other one. */
async function modelOf({ kind, model, head }: Case): Promise<{ config: ModelConfig; weights: Weights }> {
  const { config, weights } = await load(model);
  if (head === null) return { config, weights };
  const score = Object.fromEntries(
    Object.entries(fixture.heads[head]).map(([name, { shape, data }]) => [name, float32(shape, data)]),
  );
  return {
    config: {
      ...withHead(config, 'score'),
      ...(head === 'mlp' && { scoreHead: { hiddenSize: score['score.0.bias']!.data.length } }),
      ...(kind === 'generalizableReward' && !config.tieWordEmbeddings && { keepsLanguageHead: true }),
    },
    weights: { ...weights, ...score },
  };
}

const norm = ({ data }: NDArray) => Math.hypot(...data);

describe('objectives against PyTorch', () => {
  const named = fixture.cases.map((one) => {
    const { kind, model, head, options } = one;
    return [
      `${kind} ${JSON.stringify(options)}, ${model}${head ? ` with a head: ${head}` : ''}`,
      one,
    ] as const;
  });

  it.each(named)('%s', async (_name, one) => {
    const { config, weights } = await modelOf(one);
    const { loss, gradients } = await objectives[one.kind](config, weights, one.options);
    expect(Math.abs(loss.data[0]! - one.loss)).toBeLessThanOrEqual(1e-5 * Math.abs(one.loss));
    expect(Object.keys({ ...one.gradients, ...one.norms }).sort()).toEqual(Object.keys(weights).sort());
    for (const [name, data] of Object.entries(one.gradients)) {
      // The last bias shifts both rewards of a pair alike, so that its gradient is rounding.
      const floor = name === 'score.2.bias' ? 1 : undefined;
      const difference = maxRelativeDifference(gradients[name], float32([data.length], data), floor);
      expect(difference, name).toBeLessThanOrEqual(1e-5);
    }
    for (const [name, expected] of Object.entries(one.norms)) {
      expect(Math.abs(norm(gradients[name]!) - expected), name).toBeLessThanOrEqual(1e-5 * expected);
    }
  });

  it.each(Object.entries(fixture.logProbabilities))(
    'log-probabilities of a reference, %s',
    async (name, expected) => {
      const { config, weights } = await load(name);
      // Small enough for several batches.
      const found = await referenceLogProbabilities(config, weights, pairs, { batchTokens: 40 });
      for (const [i, { chosen, rejected, reference }] of found.entries()) {
        expect({ chosen, rejected }).toEqual(pairs[i]);
        for (const side of ['chosen', 'rejected'] as const) {
          const wanted = expected[i]![side];
          expect(Math.abs(reference[side] - wanted)).toBeLessThanOrEqual(1e-5 * Math.abs(wanted));
        }
      }
    },
  );
});
