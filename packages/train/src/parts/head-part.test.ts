import { createRandom } from '@gram/base';
import { copyWeights, initWeights, type ModelConfig } from '@gram/model';
import { describe, expect, it } from 'vitest';
import { tinyModel } from '../__fixtures__/tiny-model.js';
import { bradleyTerry } from '../objectives/bradley-terry.js';
import { train } from '../trainer.js';
import { headPart, headWeights } from './head-part.js';

const config: ModelConfig = {
  ...tinyModel,
  architecture: 'LlamaForSequenceClassification',
  maxPositionEmbeddings: 16,
  tieWordEmbeddings: false,
  scoreHead: { hiddenSize: 12 },
};
const random = createRandom(3, 'examples');
const text = (end: number) => [...Array.from({ length: 5 }, () => random.integer(18)), end];
// The better response ends with token 18, the worse one with token 19.
const examples = Array.from({ length: 32 }, () => ({ chosen: text(18), rejected: text(19) }));
const options = { learningRate: 0.02, batchSize: 8, microBatchSize: 4, epochs: 8 };

describe.each([
  ['two layers', config],
  ['one layer', { ...config, scoreHead: undefined }],
] as const)('training a score head of %s', (_name, model) => {
  it('learns, and leaves the decoder as it was', async () => {
    const weights = initWeights(model, createRandom(4, 'weights'), 0.25);
    const before = copyWeights(weights);
    const trained = headWeights(model, weights);
    const part = headPart(model, weights);
    const { history } = await train({
      config: model,
      weights: trained,
      part,
      objective: bradleyTerry(),
      examples,
      options,
    });
    expect(history.at(-1)!.loss).toBeLessThan(0.5 * history[0]!.loss);
    // What is trained and what is frozen make up the model, without overlap.
    expect([...Object.keys(part.frozen), ...Object.keys(trained)].sort()).toEqual(
      Object.keys(weights).sort(),
    );
    for (const [name, { data }] of Object.entries(weights)) {
      const isHead = name.startsWith('score.');
      expect(Object.hasOwn(trained, name), name).toBe(isHead);
      // The last bias shifts all rewards alike and has no gradient.
      if (name === 'score.2.bias') continue;
      expect(
        Buffer.compare(Buffer.from(data.buffer), Buffer.from(before[name]!.data.buffer)) !== 0,
        name,
      ).toBe(isHead);
    }
  });
});
