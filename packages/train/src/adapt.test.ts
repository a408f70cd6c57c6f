import { createRandom } from '@gram/base';
import { copyWeights, initWeights, type ModelConfig } from '@gram/model';
import { createPairEncoder, judgePrompt, plainChat, tokenizerFromJson, trainBpe } from '@gram/tokenize';
import { createWorld } from '@gram/world';
import { describe, expect, it } from 'vitest';
import { adaptRewardModel, type RewardAdaptation } from './adapt.js';

const world = createWorld({ seed: 3 });
// What so small a model learns in a few steps, whichever response comes first.
const pairs = world
  .adaptationPairs('summary', 'train', 24)
  .map((pair) => ({ ...pair, prompt: 'Agree.', chosen: `yes ${pair.id}`, rejected: `no ${pair.id}` }));
const tokenizer = tokenizerFromJson(
  trainBpe({ texts: world.corpus(60), vocabSize: 512, specialTokens: plainChat.specialTokens }),
);
const encoder = await createPairEncoder({
  tokenizer,
  prompt: judgePrompt('gram-compact-1'),
  chat: plainChat,
  maxLength: 256,
  overlong: 'error',
});
const architectures = {
  generative: 'LlamaForCausalLM',
  discriminative: 'LlamaForSequenceClassification',
} as const;
const configOf = (kind: RewardAdaptation['kind']): ModelConfig => ({
  architecture: architectures[kind],
  vocabSize: tokenizer.vocabSize,
  hiddenSize: 16,
  intermediateSize: 24,
  numHiddenLayers: 1,
  numAttentionHeads: 2,
  numKeyValueHeads: 1,
  headDim: 8,
  rmsNormEps: 1e-5,
  ropeTheta: 10_000,
  maxPositionEmbeddings: 256,
  tieWordEmbeddings: true,
});

function runOf(kind: RewardAdaptation['kind'], change: Partial<RewardAdaptation> = {}): RewardAdaptation {
  const config = configOf(kind);
  const weights = initWeights(config, createRandom(2, 'weights'), 0.1);
  const options = { learningRate: 1e-2, batchSize: 4, epochs: 12, seed: 1 };
  return { config, weights, encoder, kind, pairs, count: 8, seed: 5, options, ...change };
}

/** The ids of the pairs that an adaptation reads, in order, and its result. */
async function watched(run: RewardAdaptation) {
  const read: string[] = [];
  const spy: typeof encoder = {
    ...encoder,
    comparisons: (record, needed) => {
      read.push(record.id!);
      return encoder.comparisons(record, needed);
    },
  };
  return { read, ...(await adaptRewardModel({ ...run, encoder: spy })) };
}

describe('adaptRewardModel', () => {
  it.each(['generative', 'discriminative'] as const)('fits a few labels of a %s model', async (kind) => {
    const run = runOf(kind);
    const before = copyWeights(run.weights);
    const steps: number[] = [];
    const { weights, history } = await adaptRewardModel({
      ...run,
      onStep: ({ step }) => void steps.push(step),
    });
    expect(run.weights).toEqual(before);
    expect(Object.keys(weights)).toEqual(Object.keys(before));
    expect(weights).not.toEqual(before);
    expect(steps).toEqual(Array.from({ length: 2 * run.options.epochs! }, (_, i) => i + 1));
    expect(history.map(({ step }) => step)).toEqual(steps);
    const loss = (part: typeof history) => part.reduce((sum, record) => sum + record.loss, 0) / part.length;
    expect(loss(history.slice(-2))).toBeLessThan(loss(history.slice(0, 2)) - 0.1);
  });

  it('takes a smaller number of labels from every larger one, as the seed says', async () => {
    const options = { learningRate: 1e-3, batchSize: 24 };
    const read = async (count: number, seed: number) =>
      (await watched(runOf('generative', { count, seed, options }))).read;
    const all = await read(24, 5);
    expect(all.toSorted()).toEqual(pairs.map(({ id }) => id).toSorted());
    expect(all).not.toEqual(pairs.map(({ id }) => id));
    expect(await read(5, 5)).toEqual(all.slice(0, 5));
    expect(await read(12, 5)).toEqual(all.slice(0, 12));
    expect(await read(12, 6)).not.toEqual(all.slice(0, 12));
  });

  it('takes the next pair in the place of one that teaches nothing', async () => {
    const read = (await watched(runOf('generative', { count: 6 }))).read;
    const silent = pairs.map((pair) => (pair.id === read[2] ? { ...pair, chosen: '' } : pair));
    const options = { learningRate: 1e-3, batchSize: 6 };
    const run = await watched(runOf('generative', { count: 5, pairs: silent, options }));
    expect(new Set(run.read)).toEqual(new Set(read.filter((id) => id !== read[2])));
    expect(run.history).toHaveLength(1);
    const all = runOf('generative', { count: 24, pairs: silent });
    await expect(adaptRewardModel(all)).rejects.toMatchObject({
      code: 'no-data',
      message: '24 labels are wanted and there are 23',
    });
  });

  it('gives an equal copy for no labels', async () => {
    const run = runOf('generative', { count: 0, pairs: [] });
    const { weights, history } = await adaptRewardModel(run);
    expect(weights).toEqual(run.weights);
    expect(history).toEqual([]);
    weights['model.norm.weight']!.data.fill(0);
    expect(run.weights['model.norm.weight']!.data[0]).toBe(1);
  });

  it('passes the label smoothing on', async () => {
    const loss = async (labelSmoothing?: number) =>
      (await adaptRewardModel(runOf('generative', { labelSmoothing }))).history.at(-1)!.loss;
    expect(await loss(0.1)).toBe(await loss());
    expect(await loss(0.3)).toBeGreaterThan(await loss(0));
  });

  it.each([
    ['more labels than there are', { count: 25 }, 'no-data', '25 labels are wanted and there are 24'],
    ['a negative number of labels', { count: -1 }, 'bad-config', '-1'],
    ['half a label', { count: 0.5 }, 'bad-config', '0.5'],
    ['a head of the other kind', { kind: 'discriminative' }, 'bad-config', 'has a score head'],
  ] as const)('refuses %s', async (_name, change, code, message) => {
    await expect(adaptRewardModel(runOf('generative', change))).rejects.toMatchObject({
      name: 'TrainError',
      code,
      message: expect.stringContaining(message),
    });
  });

  it('stops when it is told to', async () => {
    const run = runOf('generative', { signal: AbortSignal.abort() });
    await expect(adaptRewardModel(run)).rejects.toMatchObject({ name: 'AbortError' });
  });
});
