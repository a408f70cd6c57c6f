import { compile, int32 } from '@gram/engine';
import type * as tf from '@tensorflow/tfjs-core';
import { afterAll, describe, expect, it } from 'vitest';
import { hiddenStates } from '../decoder/decoder.js';
import { vocabularyLogits } from '../decoder/heads.js';
import type { WeightTensors } from '../decoder/model-tensors.js';
import { config, ids, prompts, stream, weights } from './__fixtures__/tiny-model.js';
import { createCachedDecoder } from './cached-decoder.js';
import type { GenerateOptions, GenerationRequest } from './generation.js';
import { createGenerator } from './generator.js';

const generator = createGenerator({ config, weights });
afterAll(() => generator.dispose());

const forward = compile((inputs: { weights: WeightTensors; tokens: tf.Tensor2D }) => ({
  logits: vocabularyLogits(config, inputs.weights, hiddenStates(config, inputs.weights, inputs.tokens)),
}));
/** Logits of the token after `tokens`, from a full forward pass over all of them. */
async function fullLogits(tokens: readonly number[]): Promise<Float32Array> {
  const { logits } = await forward({ weights, tokens: int32([1, tokens.length], tokens) });
  return (logits.data as Float32Array).slice(-config.vocabSize);
}

/** log softmax(logits)[token], in double precision. */
function logProbability(logits: Float32Array, token: number): number {
  const top = Math.max(...logits);
  return logits[token]! - top - Math.log(logits.reduce((sum, logit) => sum + Math.exp(logit - top), 0));
}

const greedy = { temperature: 0 };
const stopIds = [4, 9, 13];
const options: GenerateOptions = { maxNewTokens: 9, stopIds };

describe('greedy generation', () => {
  it('with 8-bit matrices follows a distribution near the exact one', async () => {
    const rounded = createGenerator({ config, weights, precision: 'int8' });
    const requests = prompts.map((prompt) => ({ ids: prompt, decodings: [greedy] }));
    const completions = await rounded.generate(requests, { ...options, maxNewTokens: 1 });
    let changed = 0;
    for (const [i, [completion]] of completions.entries()) {
      const exact = logProbability(await fullLogits(prompts[i]!), completion!.ids[0]!);
      const difference = Math.abs(completion!.logProbabilities[0]! - exact);
      expect(difference).toBeLessThan(0.1);
      if (difference > 1e-4) changed++;
    }
    // Or nothing was rounded.
    expect(changed).toBeGreaterThan(prompts.length / 2);
    rounded.dispose();
  });

  it('compiles each of its five computations once, whatever the shapes, and fixed weights change no token', async () => {
    const requests = prompts.map((prompt) => ({ ids: prompt, decodings: [greedy, greedy] }));
    const expected = await generator.generate(requests, options);
    for (const fixedWeights of [false, true]) {
      const decoder = createCachedDecoder(config, weights, fixedWeights);
      for (const count of [1, 3, 8]) {
        const longest = Math.max(...prompts.slice(0, count).map(({ length }) => length));
        const tokens = new Int32Array(count * longest);
        for (const [row, prompt] of prompts.slice(0, count).entries()) tokens.set(prompt, row * longest);
        const last = Int32Array.from(prompts.slice(0, count), ({ length }) => length - 1);
        const rows = Int32Array.from({ length: count }, (_, row) => row);
        const batch = int32([count, longest], tokens);
        const asked = { tokens: batch, last, promptOf: rows, capacity: longest + 4 };
        const { next, progress } = await decoder.read(asked, 'logits');
        const first = Int32Array.from(rows, (row) => {
          const own = next.logits!.subarray(row * config.vocabSize, (row + 1) * config.vocabSize);
          return own.indexOf(Math.max(...own));
        });
        expect(next.best).toEqual(first);
        expect(Array.from(first)).toEqual(expected.slice(0, count).map(([completion]) => completion!.ids[0]));
        const newest = { tokens: first, positions: last.map((at) => at + 1) };
        const after = await decoder.advance(progress, newest, 'logits');
        const winners = await decoder.advance(progress, newest, 'winners');
        expect(winners).toEqual({ ...after, logits: undefined });
        await decoder.select(progress, rows.slice(0, 1));
      }
      expect(decoder.executables).toHaveLength(5);
      // The cache of a step is written where it is.
      expect(decoder.executables.flatMap(({ copied }) => copied)).toEqual([]);
      decoder.dispose();
    }
    const fixed = createGenerator({ config, weights, fixedWeights: true });
    const tokensOf = (all: typeof expected) =>
      all.map((completions) => completions.map(({ ids: own }) => own));
    expect(tokensOf(await fixed.generate(requests, options))).toEqual(tokensOf(expected));
    fixed.dispose();
  });

  it('equals the argmax of the full forward pass, token for token, for unequal prompts in one batch', async () => {
    const results = await generator.generate(
      prompts.map((prompt) => ({ ids: prompt, decodings: [greedy] })),
      options,
    );
    const lengths = new Set<number>();
    for (const [i, [completion]] of results.entries()) {
      const tokens = [...prompts[i]!];
      for (const [t, id] of completion!.ids.entries()) {
        const logits = await fullLogits(tokens);
        expect(id).toBe(logits.indexOf(Math.max(...logits)));
        expect(completion!.logProbabilities[t]).toBeCloseTo(logProbability(logits, id), 5);
        tokens.push(id);
      }
      lengths.add(completion!.ids.length);
      const isStop = completion!.ids.map((id) => stopIds.includes(id));
      expect(completion!.finished).toBe(isStop.at(-1) ? 'stop' : 'length');
      expect(isStop.slice(0, -1)).not.toContain(true);
    }
    // Otherwise the batch never shrank, and half of the code was not run.
    expect(lengths.size).toBeGreaterThan(2);
  });

  it('sees weights that were changed in place', async () => {
    const request = [{ ids: prompts[0]!, decodings: [greedy] }];
    const before = await generator.generate(request, options);
    const { data } = weights['model.norm.weight']!;
    data.forEach((value, i) => {
      data[i] = -value;
    });
    const after = await generator.generate(request, options);
    data.forEach((value, i) => {
      data[i] = -value;
    });
    expect(after).not.toEqual(before);
    expect(await generator.generate(request, options)).toEqual(before);
  });
});

describe('sampling', () => {
  const decodingsOf = (i: number) => [
    { temperature: 0.75, topP: 0.95, random: stream(10 + i) },
    greedy,
    { temperature: 2, topK: 9, random: stream(20 + i) },
  ];

  it('does not depend on what is generated beside it, nor on the order', async () => {
    const together = await generator.generate(
      prompts.map((prompt, i) => ({ ids: prompt, decodings: decodingsOf(i) })),
      options,
    );
    const reversed = await generator.generate(
      prompts.map((prompt, i) => ({ ids: prompt, decodings: decodingsOf(i) })).reverse(),
      options,
    );
    expect(reversed.reverse().map((each) => each.map(({ ids }) => ids))).toEqual(
      together.map((each) => each.map(({ ids }) => ids)),
    );
    const small = createGenerator({ config, weights, batchTokens: 1 });
    for (const [i, ids] of prompts.entries()) {
      for (const [d, decoding] of decodingsOf(i).entries()) {
        const alone = (await small.generate([{ ids, decodings: [decoding] }], options))[0]![0]!;
        expect(alone.ids).toEqual(together[i]![d]!.ids);
        for (const [t, value] of alone.logProbabilities.entries()) {
          expect(Math.abs(value - together[i]![d]!.logProbabilities[t]!)).toBeLessThan(1e-5);
        }
      }
    }
    small.dispose();
  });

  it('gives log-probabilities of the model itself, whatever the decoding', async () => {
    const [completions] = await generator.generate(
      [{ ids: prompts[2]!, decodings: [{ temperature: 3, random: stream(1) }] }],
      options,
    );
    const completion = completions![0]!;
    const tokens = [...prompts[2]!];
    for (const [t, id] of completion.ids.entries()) {
      expect(completion.logProbabilities[t]).toBeCloseTo(logProbability(await fullLogits(tokens), id), 5);
      tokens.push(id);
    }
  });

  it('reports progress and can be stopped', async () => {
    const small = createGenerator({ config, weights, batchTokens: 64 });
    const requests = prompts.map((prompt) => ({ ids: prompt, decodings: [greedy, greedy] }));
    const seen: number[] = [];
    const controller = new AbortController();
    const run = small.generate(requests, {
      ...options,
      signal: controller.signal,
      onProgress: (done, total) => {
        expect(total).toBe(16);
        seen.push(done);
        if (done >= 6) controller.abort(new Error('enough'));
      },
    });
    await expect(run).rejects.toThrow('enough');
    expect(seen).toEqual([2, 4, 6]);
    small.dispose();
  });
});

describe('a repetition penalty', () => {
  it('is for the tokens of the prompt and of the completion, in each row its own', async () => {
    const decodings = [{ temperature: 0, repetitionPenalty: 4 }, greedy];
    // Two prompts are the same, and one of them has tokens more than once.
    const texts = [prompts[2]!, prompts[2]!, [...prompts[3]!, ...prompts[3]!]];
    const results = await generator.generate(
      texts.map((text) => ({ ids: text, decodings })),
      { ...options, stopIds: [] },
    );
    expect(results[0]!.map(({ ids: own }) => own)).toEqual(results[1]!.map(({ ids: own }) => own));
    for (const [i, [completion, plain]] of results.entries()) {
      expect(completion!.ids).not.toEqual(plain!.ids);
      const tokens = [...texts[i]!];
      for (const [t, id] of completion!.ids.entries()) {
        const logits = await fullLogits(tokens);
        const changed = logits.map((logit, token) => {
          if (!tokens.includes(token)) return logit;
          return logit < 0 ? logit * 4 : logit / 4;
        });
        expect(id).toBe(changed.indexOf(Math.max(...changed)));
        expect(completion!.logProbabilities[t]).toBeCloseTo(logProbability(logits, id), 5);
        tokens.push(id);
      }
    }
  });
});

describe('bad requests', () => {
  const good: GenerationRequest = { ids: [1, 2], decodings: [greedy] };
  it.each<[string, GenerationRequest, Partial<GenerateOptions>]>([
    ['an empty prompt', { ...good, ids: [] }, {}],
    ['a token outside of the vocabulary', { ...good, ids: [23] }, {}],
    ['more tokens than the model is made for', { ...good, ids: ids(60) }, {}],
    ['no new token', good, { maxNewTokens: 0 }],
    ['a stop token outside of the vocabulary', good, { stopIds: [-1] }],
    ['no random stream', { ...good, decodings: [{ temperature: 1 }] }, {}],
    ['a negative temperature', { ...good, decodings: [{ temperature: -1, random: stream(1) }] }, {}],
    ['a temperature that is no number', { ...good, decodings: [{ temperature: Number.NaN }] }, {}],
    ['topP of 0', { ...good, decodings: [{ topP: 0, random: stream(1) }] }, {}],
    ['minP above 1', { ...good, decodings: [{ ...greedy, minP: 1.1 }] }, {}],
    ['a minP that is no number', { ...good, decodings: [{ ...greedy, minP: Number.NaN }] }, {}],
    ['a repetition penalty of 0', { ...good, decodings: [{ ...greedy, repetitionPenalty: 0 }] }, {}],
    [
      'an endless repetition penalty',
      { ...good, decodings: [{ ...greedy, repetitionPenalty: Number.POSITIVE_INFINITY }] },
      {},
    ],
    ['an empty stop string', good, { stopText: { strings: ['a', ''], decode: () => '' } }],
    ['topK of 0', { ...good, decodings: [{ topK: 0, random: stream(1) }] }, {}],
  ])('%s is refused', async (_name, request, change) => {
    const run = generator.generate([good, request], { ...options, ...change });
    await expect(run).rejects.toMatchObject({ code: 'bad-request' });
  });

  it('weights that are not finite are an error, not a text', async () => {
    const broken = { ...weights, 'model.norm.weight': { ...weights['model.norm.weight']! } };
    broken['model.norm.weight'] = {
      ...broken['model.norm.weight'],
      data: new Float32Array(24).fill(Number.NaN),
    };
    const bad = createGenerator({ config, weights: broken });
    await expect(bad.generate([good], options)).rejects.toMatchObject({ code: 'not-finite' });
    bad.dispose();
  });
});
