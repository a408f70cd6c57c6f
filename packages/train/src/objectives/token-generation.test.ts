import { createRandom } from '@gram/base';
import { initWeights, type ModelConfig } from '@gram/model';
import { createChatEncoder, plainChat, tokenizerFromJson, trainBpe } from '@gram/tokenize';
import { createWorld } from '@gram/world';
import { describe, expect, it } from 'vitest';
import { encodeDemonstrations } from '../encoding/encode.js';
import { train } from '../trainer.js';
import { pairGeneration, supervisedFineTuning } from './token-generation.js';

const world = createWorld({ seed: 4 });
const tokenizer = tokenizerFromJson(
  trainBpe({ texts: world.corpus(100), vocabSize: 600, specialTokens: plainChat.specialTokens }),
);
const encoder = await createChatEncoder({ tokenizer, chat: plainChat, maxLength: 128, overlong: 'truncate' });

describe('supervised fine-tuning', () => {
  it('learns to write demonstrations', async () => {
    const config: ModelConfig = {
      architecture: 'LlamaForCausalLM',
      vocabSize: tokenizer.vocabSize,
      hiddenSize: 32,
      intermediateSize: 48,
      numHiddenLayers: 1,
      numAttentionHeads: 4,
      numKeyValueHeads: 2,
      headDim: 8,
      rmsNormEps: 1e-5,
      ropeTheta: 10_000,
      maxPositionEmbeddings: 128,
      tieWordEmbeddings: true,
    };
    const { examples, truncated } = await encodeDemonstrations(encoder, world.demonstrations(64));
    expect(truncated).toBe(0);
    const { history } = await train({
      config,
      weights: initWeights(config, createRandom(1, 'weights')),
      objective: supervisedFineTuning,
      examples,
      options: { learningRate: 1e-2, batchSize: 8, epochs: 10 },
    });
    // A new model guesses among all tokens.
    expect(history[0]!.loss).toBeCloseTo(Math.log(config.vocabSize), 0);
    expect(history.at(-1)!.loss).toBeLessThan(0.5 * history[0]!.loss);
    expect(history[0]!.accuracy).toBeUndefined();
  });

  it('supervises the response and its end token, and counts what was cut', async () => {
    const demonstrations = [
      { id: 'short', prompt: 'what is 2 plus 2?', response: '4.' },
      { id: 'long', prompt: 'name a fruit.', response: 'apple '.repeat(200) },
    ];
    const { examples, truncated } = await encodeDemonstrations(encoder, demonstrations);
    expect(truncated).toBe(1);
    const [short, long] = examples;
    expect(await tokenizer.decode(short!.ids.slice(short!.lossFrom))).toBe('4.<|end|>');
    expect(short!.ids[short!.lossFrom - 1]).toBe(tokenizer.tokenId('<|assistant|>'));
    // Cut, it has no end token, and the room of it stays unused.
    expect(long!.ids).toHaveLength(127);
    expect(long!.ids).not.toContain(encoder.endId);

    const total = examples.reduce((sum, example) => sum + supervisedFineTuning.weight(example), 0);
    const batch = supervisedFineTuning.batch(examples, 2, 128, total);
    const weights = Array.from(batch.weights!.data);
    expect(weights.filter((weight) => weight > 0)).toHaveLength(total);
    expect(weights.reduce((sum, weight) => sum + weight, 0)).toBeCloseTo(1, 5);
    const expected = examples.flatMap(({ ids, lossFrom }) => ids.slice(lossFrom));
    expect(Array.from(batch.targets!.data).slice(0, total)).toEqual(expected);
  });

  it('supervises only the turns of the assistant in a response of several', () => {
    const example = {
      ids: [10, 11, 12, 13, 14, 15, 16],
      lossFrom: 2,
      lossSpans: [
        { start: 2, end: 4 },
        { start: 6, end: 7 },
      ],
    };
    expect(supervisedFineTuning.weight(example)).toBe(3);
    const { targets, positions, weights } = supervisedFineTuning.batch([example], 1, 16, 3);
    expect([...targets.data].slice(0, 3)).toEqual([12, 13, 16]);
    expect([...positions.data].slice(0, 3)).toEqual([1, 2, 5]);
    expect([...weights.data].filter((weight) => weight > 0)).toHaveLength(3);
  });

  it('is told from stage 1 by its name, as checkpoints need', () => {
    expect([pairGeneration.name, supervisedFineTuning.name]).toEqual(['pair-generation', 'sft']);
  });
});
