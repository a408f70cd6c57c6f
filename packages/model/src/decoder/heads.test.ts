import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { compile, float32, int32 } from '@gram/engine';
import { maxRelativeDifference } from '@gram/engine/testing';
import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ModelConfig } from '../config/model-config.js';
import { loadModel, saveModel } from '../directory/model-directory.js';
import { stream } from '../generation/__fixtures__/tiny-model.js';
import { initWeights } from '../init.js';
import { finalNorm, stateAt } from './decoder.js';
import { nextTokenLosses, values } from './heads.js';
import type { WeightTensors } from './model-tensors.js';

const { uniform } = stream(7);
const normal = () => 2 * (uniform() + uniform() + uniform() - 1.5);

const base: ModelConfig = {
  architecture: 'LlamaForSequenceClassification',
  vocabSize: 30,
  hiddenSize: 16,
  intermediateSize: 24,
  numHiddenLayers: 2,
  numAttentionHeads: 2,
  numKeyValueHeads: 1,
  headDim: 8,
  rmsNormEps: 1e-5,
  ropeTheta: 10_000,
  maxPositionEmbeddings: 32,
  tieWordEmbeddings: false,
  padTokenId: 0,
};
const mlp: ModelConfig = { ...base, scoreHead: { hiddenSize: 6 } };
const both: ModelConfig = { ...base, keepsLanguageHead: true };

function weightsOf(config: ModelConfig) {
  const weights = initWeights(config, { normal }, 0.4);
  for (const [name, { data }] of Object.entries(weights)) {
    if (name.endsWith('.bias')) for (let i = 0; i < data.length; i++) data[i] = normal();
  }
  return weights;
}

const tokens = int32([2, 7], [3, 4, 5, 6, 7, 8, 9, 11, 12, 13, 14, 15, 0, 0]);
const last = int32([2], [6, 4]);

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'gram-heads-'));
});
afterAll(() => rm(root, { recursive: true }));

it('a score head of two layers is W2 relu(W1 h + b1) + b2', async () => {
  const weights = weightsOf(mlp);
  const run = compile((inputs: { weights: WeightTensors; tokens: tf.Tensor2D; last: tf.Tensor1D }) => ({
    rewards: values(mlp, inputs.weights, inputs.tokens, inputs.last),
    states: finalNorm(mlp, inputs.weights, stateAt(mlp, inputs.weights, inputs.tokens, inputs.last)),
  }));
  const { rewards, states } = await run({ weights, tokens, last });
  const [w1, b1, w2, b2] = ['0.weight', '0.bias', '2.weight', '2.bias'].map(
    (name) => weights[`score.${name}`]!.data,
  );
  const expected = [0, 1].map((row) => {
    let sum = b2![0]!;
    for (let j = 0; j < 6; j++) {
      let inner = b1![j]!;
      for (let i = 0; i < 16; i++) inner += w1![j * 16 + i]! * states.data[row * 16 + i]!;
      sum += w2![j]! * Math.max(0, inner);
    }
    return sum;
  });
  expect(maxRelativeDifference(rewards, float32([2], expected))).toBeLessThan(1e-5);
});

describe.each([
  ['two layers', mlp],
  ['a language head beside the score', both],
  ['both', { ...mlp, keepsLanguageHead: true }],
  ['a tied language head', { ...both, tieWordEmbeddings: true }],
] as const)('saved and loaded with %s', (name, config) => {
  it('is the same', async () => {
    const weights = weightsOf(config);
    const directory = join(root, name);
    await saveModel(directory, { config, weights });
    const loaded = await loadModel(directory);
    expect(loaded.config).toEqual(config);
    expect(Object.keys(loaded.weights)).toEqual(Object.keys(weights));
    for (const [key, { data }] of Object.entries(weights)) expect(loaded.weights[key]!.data).toEqual(data);
  });
});

it('is strict about weights of heads', async () => {
  const save = (config: ModelConfig, of: ModelConfig) =>
    saveModel(join(root, 'strict'), { config, weights: weightsOf(of) });
  await expect(save(base, mlp)).rejects.toMatchObject({
    code: 'bad-weights',
    message: expect.stringContaining('"score.weight"'),
  });
  await expect(save(mlp, base)).rejects.toThrow('"score.0.weight"');
  await expect(save(base, both)).rejects.toThrow('unexpected ("lm_head.weight")');
  await expect(save(both, base)).rejects.toThrow('missing ("lm_head.weight")');
});

it('computes next-token losses of a model that scores and keeps its language head', async () => {
  const weights = weightsOf(both);
  const run = compile((inputs: { weights: WeightTensors; tokens: tf.Tensor2D }) => {
    const [positions, targets] = [tf.tensor1d([1, 8], 'int32'), tf.tensor1d([5, 13], 'int32')];
    return {
      scoring: nextTokenLosses(both, inputs.weights, inputs.tokens, positions, targets),
      causal: nextTokenLosses(
        { ...base, architecture: 'LlamaForCausalLM' },
        inputs.weights,
        inputs.tokens,
        positions,
        targets,
      ),
    };
  });
  const { scoring, causal } = await run({ weights, tokens });
  expect(scoring.data).toEqual(causal.data);
});

// A Python with torch and transformers. Without the variable this is skipped.
const python = process.env.GRAM_PYTHON;
const script = `
import json, sys, torch
from transformers import AutoModelForSequenceClassification as Auto
own, both, ids = json.loads(sys.argv[1])
try:
    Auto.from_pretrained(own)
    refused = ''
except ValueError as error:
    refused = str(error)
model, info = Auto.from_pretrained(both, output_loading_info=True)
with torch.no_grad():
    values = model(torch.tensor(ids)).logits.flatten().tolist()
print(json.dumps(dict(refused=refused, missing=sorted(info['missing_keys']), values=values)))
`;

it.skipIf(!python)(
  'transformers refuses a head it has not, and loads the score beside a language head',
  async () => {
    const [own, other] = [join(root, 'own'), join(root, 'other')];
    const weights = weightsOf(both);
    await saveModel(own, { config: mlp, weights: weightsOf(mlp) });
    await saveModel(other, { config: both, weights });
    const ids = [Array.from(tokens.data.slice(0, 7))];
    const { stdout } = await promisify(execFile)(python!, ['-c', script, JSON.stringify([own, other, ids])], {
      env: { ...process.env, HF_HUB_OFFLINE: '1' },
    });
    const found = JSON.parse(stdout.trim().split('\n').at(-1)!);
    expect(found.refused).toContain('gram_llama');
    expect(found.missing).toEqual([]);
    const run = compile((inputs: { weights: WeightTensors; tokens: tf.Tensor2D; last: tf.Tensor1D }) => ({
      rewards: values(both, inputs.weights, inputs.tokens, inputs.last),
    }));
    const { rewards } = await run({ weights, tokens: int32([1, 7], ids[0]!), last: int32([1], [6]) });
    expect(maxRelativeDifference(rewards, float32([1], found.values))).toBeLessThan(1e-5);
  },
  120_000,
);
