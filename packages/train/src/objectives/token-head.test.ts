import { createRandom } from '@gram/base';
import { float32, int32 } from '@gram/engine';
import type { ModelConfig, Weights } from '@gram/model';
import { expect, it } from 'vitest';
import { createTokenHead, inParts } from './token-head.js';

const random = createRandom(3, 'head');
const array = (...shape: number[]) =>
  float32(
    shape,
    Float32Array.from({ length: shape.reduce((size, n) => size * n, 1) }, () => random.normal()),
  );

it('says the log-probabilities of more tokens than it computes at once', async () => {
  const config: ModelConfig = {
    architecture: 'LlamaForCausalLM',
    vocabSize: 40_000,
    hiddenSize: 4,
    intermediateSize: 8,
    numHiddenLayers: 1,
    numAttentionHeads: 1,
    numKeyValueHeads: 1,
    headDim: 4,
    rmsNormEps: 1e-5,
    ropeTheta: 10_000,
    maxPositionEmbeddings: 64,
    tieWordEmbeddings: true,
  };
  const embedding = array(config.vocabSize, 4);
  const norm = array(4);
  const weights: Weights = { 'model.embed_tokens.weight': embedding, 'model.norm.weight': norm };
  const states = array(150, 4);
  const targets = int32(
    [150],
    Int32Array.from({ length: 150 }, () => random.integer(config.vocabSize)),
  );
  const head = createTokenHead(config, {});
  const { data } = await head.logProbabilities({ weights, states }, targets);
  head.dispose();
  expect(data).toHaveLength(150);
  for (const [row, target] of targets.data.entries()) {
    const state = [...states.data.subarray(4 * row, 4 * row + 4)];
    const scale = 1 / Math.sqrt(state.reduce((sum, x) => sum + x * x, 0) / 4 + config.rmsNormEps);
    const read = state.map((x, i) => x * scale * norm.data[i]!);
    const logit = (token: number) => read.reduce((sum, x, i) => sum + x * embedding.data[4 * token + i]!, 0);
    let total = 0;
    for (let token = 0; token < config.vocabSize; token++) total += Math.exp(logit(token));
    expect(Math.abs(data[row]! - (logit(target) - Math.log(total)))).toBeLessThan(1e-4);
  }
});

it('computes parts in order, of at least 64 tokens', async () => {
  const sizes: number[] = [];
  const run = async ({ rows, targets }: { rows: { data: Int32Array }; targets: { data: Int32Array } }) => {
    sizes.push(rows.data.length);
    return {
      sum: float32(
        [rows.data.length],
        Float32Array.from(rows.data, (row, i) => row + targets.data[i]!),
      ),
    };
  };
  const targets = int32(
    [150],
    Int32Array.from({ length: 150 }, (_, i) => 1000 * i),
  );
  const { sum } = await inParts({ vocabSize: 2 ** 21 }, targets, ['sum'], run);
  expect(sizes).toEqual([64, 64, 22]);
  expect([...sum.data]).toEqual(Array.from({ length: 150 }, (_, i) => 1001 * i));
  sizes.length = 0;
  await inParts({ vocabSize: 2 ** 14 }, targets, ['sum'], run);
  expect(sizes).toEqual([128, 22]);
});
