import { afterAll, describe, expect, it } from 'vitest';
import { quantizeWeights } from '../quantize.js';
import { ids, config as short, stream, weights } from './__fixtures__/tiny-model.js';
import { type CachedDecoder, createCachedDecoder } from './cached-decoder.js';
import { generateBatch } from './generate-batch.js';
import type { Decoding } from './generation.js';
import { createLookUp } from './look-up.js';

const config = { ...short, maxPositionEmbeddings: 256 };
const MOST = 150;

describe('generation with drafts', () => {
  const decoder = createCachedDecoder(config, weights, true);
  afterAll(() => decoder.dispose());

  /** Completes a prompt, and counts the runs. */
  async function complete(
    used: CachedDecoder,
    prompt: readonly number[],
    decoding: Decoding = { temperature: 0 },
    stopIds: readonly number[] = [],
  ) {
    let runs = 0;
    const counting: CachedDecoder = {
      ...used,
      advance(...args) {
        runs++;
        return used.advance(...args);
      },
      extend(...args) {
        runs++;
        return used.extend(...args);
      },
    };
    const requests = [{ ids: prompt, decodings: [decoding] }];
    const batch = { indices: [0], requests, length: prompt.length, capacity: prompt.length + MOST };
    const options = { maxNewTokens: MOST, stopIds };
    const [[completion] = []] = await generateBatch(counting, config.vocabSize, batch, options);
    return { ...completion!, runs };
  }

  it('gives the tokens and probabilities of one token after the other, in fewer runs', async () => {
    const plain: CachedDecoder = { ...decoder, canExtend: () => false };
    let [tokens, runs] = [0, 0];
    for (const prompt of [3, 8, 13, 21, 34].map(ids)) {
      const [found, expected] = [await complete(decoder, prompt), await complete(plain, prompt)];
      expect(found.ids).toEqual(expected.ids);
      expect(expected.runs).toBe(MOST - 1);
      for (const [i, probability] of found.logProbabilities.entries())
        expect(probability).toBeCloseTo(expected.logProbabilities[i]!, 4);
      tokens += found.ids.length;
      runs += found.runs;
      // The last new token ends it, and it may be one of a draft.
      const [stop] = found.ids.slice(90);
      const stopped = await complete(decoder, prompt, { temperature: 0 }, [stop!]);
      expect(stopped.finished).toBe('stop');
      expect(stopped.ids).toEqual(found.ids.slice(0, found.ids.indexOf(stop!) + 1));
    }
    // Or there were no drafts.
    expect(runs).toBeLessThan(0.6 * tokens);
  });

  it('is for greedy decoding in precisions in which a token does not depend on its company', async () => {
    const [prompt = []] = [ids(9)];
    expect((await complete(decoder, prompt, { temperature: 0.01, random: stream(1) })).runs).toBe(MOST - 1);
    expect((await complete(decoder, prompt, { temperature: 0, repetitionPenalty: 1.0001 })).runs).toBe(
      MOST - 1,
    );
    const rounded = createCachedDecoder(config, quantizeWeights(weights, 'int8'), true);
    expect((await complete(rounded, prompt)).runs).toBe(MOST - 1);
    rounded.dispose();
  });
});

describe('createLookUp', () => {
  const circle = (length: number) => Array.from({ length }, (_, i) => i % 7);

  it('drafts what followed before, and goes on with the draft where the text ends', () => {
    const lookUp = createLookUp([50, 51, 52, 53, 54]);
    lookUp.follow([...circle(30), 50, 51, 52]);
    expect(lookUp.draft(9)).toEqual([53, 54]);
    lookUp.judge(2, 2);
    lookUp.judge(4, 4);
    expect(lookUp.draft(9)).toEqual([53, 54, 0, 1, 2, 3, 4, 5]);
    expect(lookUp.draft(1)).toEqual([53]);
    lookUp.judge(8, 3);
    expect(lookUp.draft(9)).toEqual([53, 54, 0]);
    lookUp.judge(3, 0);
    lookUp.follow([...circle(30), 50, 51, 52, ...circle(12)]);
    expect(lookUp.draft(9)).toEqual([5, 6]);
    for (let i = 0; i < 9; i++) lookUp.judge(1, 1);
    expect(lookUp.draft(99)).toEqual(Array.from({ length: 16 }, (_, i) => (i + 5) % 7));
  });

  it('drafts nothing before guesses came true, nor after words that are new', () => {
    const lookUp = createLookUp(circle(70));
    expect(lookUp.draft(9)).toEqual([]);
    lookUp.follow([0, 1, 2, 3]);
    expect(lookUp.draft(9)).toEqual([]);
    lookUp.follow([0, 1, 2, 3, 4, 5, 6, ...circle(14)]);
    expect(lookUp.draft(9)).toEqual([0, 1]);
    lookUp.follow([0, 1, 2, 3, 4, 5, 6, ...circle(14), 90]);
    expect(lookUp.draft(9)).toEqual([]);
  });
});
