import { afterAll, describe, expect, it } from 'vitest';
import { config, prompts, weights } from './__fixtures__/tiny-model.js';
import type { GenerateOptions, GenerationRequest } from './generation.js';
import { createGenerator } from './generator.js';

const generator = createGenerator({ config, weights });
afterAll(() => generator.dispose());
const greedy = { temperature: 0 };
const options: GenerateOptions = { maxNewTokens: 9, stopIds: [4, 9, 13] };

describe('stop strings', () => {
  // A letter for each token.
  const decode = (all: readonly number[]) => all.map((id) => String.fromCharCode(97 + id)).join('');
  const requests = prompts.map((prompt) => ({ ids: prompt, decodings: [greedy, greedy] }));

  it('end each completion at the first token that completes one', async () => {
    const free = await generator.generate(requests, { maxNewTokens: 9, stopIds: [] });
    const texts = free.map(([completion]) => decode(completion!.ids));
    // One that lies over several tokens of a text, one at the very end, one in no text.
    const strings = [texts[0]!.slice(2, 5), texts[1]!.slice(-2), texts[2]!.slice(0, 1), 'zzzz'];
    const stopText = { strings, decode: async (all: readonly number[]) => decode(all) };
    const results = await generator.generate(requests, { maxNewTokens: 9, stopIds: [], stopText });
    expect(new Set(results.map(([completion]) => completion!.ids.length)).size).toBeGreaterThan(2);
    for (const [i, completions] of results.entries()) {
      const text = texts[i]!;
      const end = [...text].findIndex((_, t) => strings.some((each) => text.slice(0, t + 1).includes(each)));
      const expected = free[i]![0]!.ids.slice(0, end < 0 ? 9 : end + 1);
      for (const { ids: own, finished } of completions) {
        expect(own).toEqual(expected);
        expect(finished).toBe(end < 0 ? 'length' : 'stop');
      }
    }
  });

  it('end the call with what the decoder throws', async () => {
    const stopText = {
      strings: ['a'],
      decode: async (all: readonly number[]) => {
        if (all.length > 2) throw new Error('no such token');
        return '';
      },
    };
    const run = generator.generate(requests, { maxNewTokens: 9, stopIds: [], stopText });
    await expect(run).rejects.toThrow('no such token');
  });
});

describe('tokens as they are chosen', () => {
  const requests: GenerationRequest[] = [...prompts, prompts[1]!].map((prompt, i) => ({
    ids: prompt,
    decodings: i % 2 === 0 ? [greedy] : [greedy, { temperature: 0, repetitionPenalty: 1.2 }],
  }));

  it('are those of the completions, in order', async () => {
    const small = createGenerator({ config, weights, batchTokens: 100 });
    const seen = requests.map(({ decodings }) =>
      decodings.map(() => ({ ids: [] as number[], logProbabilities: [] as number[] })),
    );
    const order: number[] = [];
    const results = await small.generate(requests, {
      ...options,
      onToken: ({ request, completion, token, logProbability: value }) => {
        const own = seen[request]![completion]!;
        own.ids.push(token);
        own.logProbabilities.push(value);
        order.push(request);
      },
    });
    expect(seen).toEqual(
      results.map((each) => each.map(({ ids: own, logProbabilities }) => ({ ids: own, logProbabilities }))),
    );
    // They come while others still grow, not a completion at a time.
    expect(order.filter((request, i) => request !== order[i - 1]).length).toBeGreaterThan(requests.length);
    small.dispose();
  });

  it.each([1, 5, 20])(
    'end the call by an exception or by the signal at token %i, and the next call works',
    async (count) => {
      const own = createGenerator({ config, weights });
      const expected = await own.generate(requests, options);
      let calls = 0;
      const failing = own.generate(requests, {
        ...options,
        onToken: () => {
          if (++calls === count) throw new Error('the reader left');
        },
      });
      await expect(failing).rejects.toThrow('the reader left');
      expect(calls).toBe(count);
      expect(await own.generate(requests, options)).toEqual(expected);

      const controller = new AbortController();
      calls = 0;
      const stopped = own.generate(requests, {
        ...options,
        signal: controller.signal,
        onToken: () => {
          if (++calls === count) controller.abort(new Error('enough'));
        },
      });
      await expect(stopped).rejects.toThrow('enough');
      expect(calls).toBe(count);
      expect(await own.generate(requests, options)).toEqual(expected);
      // Refused while anything of a call still runs.
      own.dispose();
    },
  );
});
