import { createRandom } from '@gram/base';
import { createGenerator } from '@gram/model';
import { afterAll, expect, it } from 'vitest';
import { tinyConfig, tinyEncoder, tinyTokenizer, tinyWeights } from '../__fixtures__/tiny-model.js';
import { createResponseSampler } from './sampler.js';

const config = tinyConfig('LlamaForCausalLM');
const weights = tinyWeights(config);
const encoder = await tinyEncoder();
const sampler = createResponseSampler({ config, weights, tokenizer: tinyTokenizer, encoder });
afterAll(() => sampler.dispose());

const greedy = { temperature: 0 };
const drawn = (i: number) => ({ temperature: 2, random: createRandom(1, 'sample', i) });
const items = ['the cat', 'where is the dog on the mat', 'x', 'y', 'and', 'the log'].map((prompt, i) => ({
  id: `item ${i}`,
  prompt,
  decodings: [greedy, drawn(i), drawn(100 + i)],
}));

it('gives responses in the order of items and decodings, as tokens and as text', async () => {
  const sampled = await sampler.sample(items, { maxNewTokens: 20 });
  const generator = createGenerator({ config, weights });
  let ended = 0;
  for (const [i, { promptIds, truncated, responses }] of sampled.entries()) {
    expect(promptIds).toEqual((await encoder.prompt(items[i]!)).ids);
    expect(truncated).toBe(false);
    const decodings = [greedy, drawn(i), drawn(100 + i)];
    const options = { maxNewTokens: 20, stopIds: [encoder.endId] };
    const [expected] = await generator.generate([{ ids: promptIds, decodings }], options);
    expect(responses.map(({ ids }) => ids)).toEqual(expected!.map(({ ids }) => ids));
    for (const { ids, text, finished } of responses) {
      const words = finished === 'stop' ? ids.slice(0, -1) : ids;
      expect(text).toBe(await tinyTokenizer.decode(words, { skipSpecial: true }));
      if (finished === 'stop') ended++;
    }
  }
  generator.dispose();
  // Otherwise the end token was never there to be left out.
  expect(ended).toBeGreaterThan(0);
});

it('draws the same again with the same streams', async () => {
  const again = () =>
    sampler.sample([{ id: 'a', prompt: 'the cat', decodings: [drawn(1)] }], { maxNewTokens: 12 });
  expect(await again()).toEqual(await again());
});

it('names a prompt that leaves no room, before anything is generated', async () => {
  const progress: number[] = [];
  const run = sampler.sample([...items, { id: 'long', prompt: 'the cat '.repeat(30), decodings: [greedy] }], {
    maxNewTokens: 200,
    onProgress: (done) => progress.push(done),
  });
  await expect(run).rejects.toMatchObject({ code: 'too-long' });
  await expect(run).rejects.toThrow(/"long" has \d+ tokens, and with 200 new ones passes the 256/);
  expect(progress).toEqual([]);
});

it('says which prompts were cut, and continues what is left of them', async () => {
  const cutting = await tinyEncoder(20, 'truncate');
  const tolerant = createResponseSampler({ config, weights, tokenizer: tinyTokenizer, encoder: cutting });
  const long = { id: 'long', prompt: 'the cat '.repeat(30), decodings: [greedy] };
  const sampled = await tolerant.sample([{ ...long, prompt: 'x' }, long], { maxNewTokens: 2 });
  tolerant.dispose();
  expect(sampled.map(({ truncated }) => truncated)).toEqual([false, true]);
  expect(sampled[1]!.promptIds).toEqual((await cutting.prompt(long)).ids);
});

it('counts progress in responses, and stops when it is aborted', async () => {
  const seen: [number, number][] = [];
  await sampler.sample(items, { maxNewTokens: 4, onProgress: (done, total) => seen.push([done, total]) });
  expect(seen.at(-1)).toEqual([18, 18]);
  const signal = AbortSignal.abort(new Error('enough'));
  await expect(sampler.sample(items, { maxNewTokens: 4, signal })).rejects.toThrow('enough');
});
