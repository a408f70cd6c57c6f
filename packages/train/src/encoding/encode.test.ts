import type { PreferencePair, ResponsePair } from '@gram/data';
import {
  chatLayoutFromTemplate,
  createChatEncoder,
  createChatTemplate,
  createPairEncoder,
  judgePrompt,
  plainChat,
  tokenizerFromJson,
  trainBpe,
} from '@gram/tokenize';
import { createWorld } from '@gram/world';
import { describe, expect, it } from 'vitest';
import { preference } from '../objectives/preference.js';
import { supervisedFineTuning } from '../objectives/token-generation.js';
import {
  encodeDemonstrations,
  encodePolicyPairs,
  encodePreferences,
  encodeResponsePairs,
  encodeRewardPairs,
} from './encode.js';
import type { EncodeOptions, Examples } from './encode-all.js';

const world = createWorld({ seed: 4 });
const tokenizer = tokenizerFromJson(
  trainBpe({ texts: world.corpus(50), vocabSize: 500, specialTokens: plainChat.specialTokens }),
);
const encoder = await createChatEncoder({ tokenizer, chat: plainChat, maxLength: 64, overlong: 'truncate' });
const pair = { id: 'one', prompt: 'what is 2 plus 2?', chosen: '4.', rejected: 'five.' };

it('encodes both responses of a pair after the same prompt, to their end tokens', async () => {
  const { examples, ...counts } = await encodePolicyPairs(encoder, [pair]);
  expect(counts).toEqual({ truncated: 0, neutralized: 0, dropped: {} });
  const { chosen, rejected } = examples[0]!;
  expect(await tokenizer.decode(chosen.ids.slice(chosen.lossFrom))).toBe('4.<|end|>');
  expect(await tokenizer.decode(rejected.ids.slice(rejected.lossFrom))).toBe('five.<|end|>');
  expect(rejected.ids.slice(0, rejected.lossFrom)).toEqual(chosen.ids.slice(0, chosen.lossFrom));
  expect(chosen).toEqual({ ids: expect.any(Array), lossFrom: expect.any(Number) });
});

it('counts a pair of which one response was cut', async () => {
  const long = { ...pair, id: 'long', rejected: 'five '.repeat(200) };
  const { examples, truncated } = await encodePolicyPairs(encoder, [pair, long]);
  expect(truncated).toBe(1);
  const { chosen, rejected } = examples[1]!;
  expect(rejected.ids).toHaveLength(63);
  // Both have the same prompt, and only the response that is whole has an end.
  expect(chosen.ids.slice(0, chosen.lossFrom)).toEqual(rejected.ids.slice(0, rejected.lossFrom));
  expect(chosen.ids.at(-1)).toBe(encoder.endId);
  expect(rejected.ids).not.toContain(encoder.endId);
});

it('gives a reward pair its margin where it has one', async () => {
  const { examples } = await encodeRewardPairs(encoder, [
    pair,
    { ...pair, margin: 2 },
    { ...pair, margin: 0 },
  ]);
  const { examples: sides } = await encodePolicyPairs(encoder, [pair]);
  const ids = { chosen: sides[0]!.chosen.ids, rejected: sides[0]!.rejected.ids };
  expect(examples).toEqual([ids, { ...ids, margin: 2 }, { ...ids, margin: 0 }]);
  expect(examples[0]).not.toHaveProperty('margin');
});

const judging = await createPairEncoder({
  tokenizer,
  chat: plainChat,
  maxLength: 64,
  overlong: 'truncate',
  prompt: judgePrompt('gram-compact-1'),
});
const many = (count: number, id: (index: number) => string): PreferencePair[] =>
  Array.from({ length: count }, (_, i) => ({ id: id(i), prompt: `${i}?`, chosen: 'good', rejected: 'bad' }));
const labelsOf = async (pairs: readonly PreferencePair[], seed = 1) =>
  (await encodePreferences(judging, pairs, { seed })).examples.map(({ label }) => label);

describe('the place of the chosen response', () => {
  it.each([
    ['one id for all', () => 'train'],
    ['an id for each two records', (index: number) => `${index >> 1}`],
    ['an id of its own', (index: number) => `${index}`],
  ])('is balanced with %s', async (_name, id) => {
    const labels = await labelsOf(many(64, id));
    expect(labels.filter((label) => label === 0)).toHaveLength(32);
    // Neither one after the other, nor the same in each two.
    const firsts = labels.filter((_, index) => index % 2 === 0);
    const share = firsts.filter((label) => label === 0).length / firsts.length;
    expect(share).toBeGreaterThan(0.2);
    expect(share).toBeLessThan(0.8);
  });

  it('follows from the seed and the position alone', async () => {
    const labels = await labelsOf(many(40, () => 'a'));
    expect(await labelsOf(many(40, (index) => `b${index}`))).toEqual(labels);
    expect(
      await labelsOf(
        many(40, () => 'a'),
        2,
      ),
    ).not.toEqual(labels);
    expect(await labelsOf(many(12, () => 'a'))).toEqual(labels.slice(0, 12));
  });

  it('is the other one in every second epoch', async () => {
    const objective = preference({ labels: judging.labelIds });
    const { examples } = await encodePreferences(judging, many(6, String), { seed: 1 });
    for (const [index, example] of examples.entries()) {
      const [first, second, third] = [0, 1, 2].map((epoch) => objective.inEpoch!(example, epoch));
      const { ids: swapped } = await judging.comparison({
        prompt: `${index}?`,
        a: first!.label === 0 ? 'bad' : 'good',
        b: first!.label === 0 ? 'good' : 'bad',
      });
      expect(first).toEqual({ ids: example.ids, label: example.label });
      expect(second).toEqual({ ids: swapped, label: 1 - example.label });
      expect(third).toEqual(first);
    }
  });

  it('is encoded once where one epoch reads it, whatever is left out before it', async () => {
    const counted = (calls: string[]): typeof judging => ({
      ...judging,
      async comparisons(record, options) {
        const found = await judging.comparisons(record, options);
        calls.push(...found.flatMap((order) => (order === undefined ? [] : [record.id!])));
        return found;
      },
    });
    const same = { chosen: 'cafe\u0301', rejected: 'caf\u00e9' };
    const pairs = many(200, String).map((each, index) => {
      if (index === 3) return { ...each, prompt: '' };
      return index === 70 || index === 90 ? { ...each, ...same } : each;
    });
    const [twice, once]: string[][] = [[], []];
    const both = await encodePreferences(counted(twice!), pairs, { seed: 1 });
    const one = await encodePreferences(counted(once!), pairs, { seed: 1, bothOrders: false });
    expect(one.examples).toEqual(both.examples.map(({ ids, label }) => ({ ids, label })));
    const { examples: _, ...counts } = both;
    expect(one).toMatchObject(counts);
    expect(twice!.length).toBe(2 * 199);
    // Those that stand behind one that was left out in the same part of the list may have to be encoded again.
    expect(once!.length).toBeLessThan(1.3 * 199);
    const plain: string[] = [];
    await encodePreferences(counted(plain), many(200, String), { seed: 1, bothOrders: false });
    expect(plain).toHaveLength(200);
  });
});

const same = 'one two '.repeat(60);
const degenerate: PreferencePair[] = [
  pair,
  { ...pair, id: 'no-prompt', prompt: ' \n' },
  { ...pair, id: 'silent', chosen: '' },
  { ...pair, id: 'silent-turn', rejected: [{ role: 'assistant', content: '' }] },
  { ...pair, id: 'long', chosen: `${same}good`, rejected: `${same}bad` },
];

describe.each([
  ['stage 1', (pairs, options) => encodeResponsePairs(judging, pairs.map(unlabeled), options)],
  ['stage 2', (pairs, options) => encodePreferences(judging, pairs, { seed: 1, ...options })],
  ['Bradley-Terry', (pairs, options) => encodeRewardPairs(encoder, pairs, options)],
  ['a policy', (pairs, options) => encodePolicyPairs(encoder, pairs, options)],
] as [string, (pairs: readonly PreferencePair[], options?: EncodeOptions) => Promise<Examples<unknown>>][])(
  'records that teach nothing, for %s',
  (_name, encode) => {
    it('are left out and counted', async () => {
      const { examples, dropped } = await encode(degenerate);
      expect(examples).toEqual((await encode([pair])).examples);
      expect(dropped).toEqual({ 'empty-prompt': 1, 'empty-response': 2, 'equal-once-encoded': 1 });
    });

    it.each([
      [1, 'record "no-prompt" has an empty prompt'],
      [2, 'record "silent" has an empty response'],
      [4, 'record "long" has two responses that are the same once they are cut and encoded'],
    ])('are refused by name where that is asked for: %d', async (index, message) => {
      const one = encode([pair, degenerate[index]!], { degenerate: 'error' });
      await expect(one).rejects.toMatchObject({ name: 'TrainError', code: 'no-data', message });
    });
  },
);

function unlabeled({ chosen, rejected, ...record }: PreferencePair): ResponsePair {
  return { ...record, responses: [chosen, rejected] };
}

describe('encoding many records', () => {
  const demonstrations = Array.from({ length: 300 }, (_, i) => ({
    id: `${i}`,
    prompt: `${i}?`,
    response: 'x'.repeat(1 + (i % 40)),
  }));

  it('keeps their order, counts, and leaves out what is empty', async () => {
    const seen: [number, number][] = [];
    const silent = { id: 'silent', prompt: 'a', response: '' };
    const all = [...demonstrations.slice(0, 10), silent, ...demonstrations.slice(10)];
    const onProgress = (done: number, total: number) => void seen.push([done, total]);
    const { examples, dropped } = await encodeDemonstrations(encoder, all, { onProgress });
    for (const [index, { ids }] of examples.entries()) {
      expect(ids).toEqual((await encoder.response(demonstrations[index]!)).ids);
    }
    expect(dropped).toEqual({ 'empty-response': 1 });
    expect(seen.length).toBeGreaterThan(3);
    expect(seen.at(-1)).toEqual([301, 301]);
    expect(seen.map(([done]) => done)).toEqual(seen.map(([done]) => done).toSorted((a, b) => a - b));
  });

  it('stops soon when it is told to', async () => {
    const controller = new AbortController();
    let done = 0;
    const run = encodeDemonstrations(encoder, demonstrations, {
      signal: controller.signal,
      onProgress: (count) => {
        done = count;
        controller.abort(new Error('enough'));
      },
    });
    await expect(run).rejects.toThrow('enough');
    expect(done).toBeLessThan(100);
  });

  it('gives the error of the first record that cannot be encoded', async () => {
    const strict = await createChatEncoder({ tokenizer, chat: plainChat, maxLength: 30, overlong: 'error' });
    await expect(encodeDemonstrations(strict, demonstrations)).rejects.toMatchObject({
      code: 'too-long',
      message: expect.stringMatching(/^record "2\d" /),
    });
  });
});

describe('conversations', () => {
  const specialTokens = ['<|im_start|>', '<|im_end|>'];
  const chatml = tokenizerFromJson(trainBpe({ texts: world.corpus(20), vocabSize: 400, specialTokens }));
  const template = `{%- if tools %}{{ '<|im_start|>tools\\n' + tools[0].name + '<|im_end|>\\n' }}{% endif -%}
{%- for message in messages -%}
{{ '<|im_start|>' + message.role + '\\n' + message.content + '<|im_end|>\\n' }}
{%- endfor -%}
{%- if add_generation_prompt -%}{{ '<|im_start|>assistant\\n' }}{%- endif -%}`;
  const turn = (role: string, content: string) => ({ role, content });
  const encoderOf = async () => {
    const made = createChatTemplate({
      template,
      specialTokens: { eos_token: '<|im_end|>', pad_token: '<|im_end|>' },
    });
    const chat = await chatLayoutFromTemplate({ template: made, tokenizer: chatml });
    return createChatEncoder({ tokenizer: chatml, chat, maxLength: 512, overlong: 'error' });
  };
  const dialog = {
    id: 'dialog',
    prompt: [turn('system', 'be brief'), turn('user', 'what is 2 plus 2?')],
    tools: [{ name: 'sum' }],
    response: [turn('assistant', 'ask sum'), turn('tool', 'four'), turn('assistant', '4.')],
  };

  it('are learned in the turns of the assistant alone, after their tools and earlier turns', async () => {
    const { examples } = await encodeDemonstrations(await encoderOf(), [dialog]);
    const { ids, lossFrom, lossSpans } = examples[0]!;
    const texts = await Promise.all(lossSpans!.map(({ start, end }) => chatml.decode(ids.slice(start, end))));
    expect(texts).toEqual(['ask sum<|im_end|>', '4.<|im_end|>']);
    expect(lossFrom).toBe(lossSpans![0]!.start);
    expect(await chatml.decode(ids.slice(0, lossFrom))).toBe(
      '<|im_start|>tools\nsum<|im_end|>\n<|im_start|>system\nbe brief<|im_end|>\n<|im_start|>user\nwhat is 2 plus 2?<|im_end|>\n<|im_start|>assistant\n',
    );
    const total = supervisedFineTuning.weight(examples[0]!);
    expect(total).toBe(lossSpans!.reduce((sum, { start, end }) => sum + end - start, 0));
  });

  it('part where they differ', async () => {
    const { response, ...record } = dialog;
    const other = { ...record, chosen: response, rejected: 'five.' };
    const { examples } = await encodePolicyPairs(await encoderOf(), [other]);
    const { chosen, rejected } = examples[0]!;
    expect(chosen.lossSpans).toHaveLength(2);
    expect(rejected.lossSpans).toBeUndefined();
    expect(rejected.ids.slice(0, rejected.lossFrom)).toEqual(chosen.ids.slice(0, chosen.lossFrom));
  });
});
