import { describe, expect, it } from 'vitest';
import type { RewardFunction } from './reward.js';
import { formatReward, lengthReward, patternReward } from './rules.js';

/** The rewards of responses to one prompt. */
async function rewardsOf(reward: RewardFunction, responses: readonly string[], lengths?: readonly number[]) {
  const [own] = await reward([{ id: 'one', prompt: 'p', responses, ...(lengths && { lengths }) }], {});
  return own;
}

describe('the length of a response', () => {
  const tokens = (lengths: readonly number[]) =>
    [lengths.map(() => 'text'), lengths] as const satisfies [string[], readonly number[]];

  it('is a reward as it is, in tokens, characters or words', async () => {
    expect(await rewardsOf(lengthReward(), ...tokens([3, 0]))).toEqual([3, 0]);
    const texts = ['two words', '  💡 ', ''];
    expect(await rewardsOf(lengthReward({ unit: 'words' }), texts)).toEqual([2, 1, 0]);
    expect(await rewardsOf(lengthReward({ unit: 'characters' }), texts)).toEqual([9, 4, 0]);
  });

  it('is the soft punishment of DAPO, of which the paper gives the formula', async () => {
    // Equation 13: 0 up to L_max - L_cache, then (L_max - L_cache - |y|) / L_cache, and -1 above L_max.
    const [most, cache] = [20, 8];
    const expected = (length: number) => {
      if (length <= most - cache) return 0;
      return length <= most ? (most - cache - length) / cache : -1;
    };
    const lengths = [0, 11, 12, 13, 16, 19, 20, 21, 400];
    const reward = lengthReward({ max: most - cache, buffer: cache });
    const found = await rewardsOf(reward, ...tokens(lengths));
    for (const [i, length] of lengths.entries()) expect(found![i]).toBeCloseTo(expected(length), 12);
  });

  it('is punished below a bound as well, and at once without a buffer', async () => {
    expect(
      await rewardsOf(lengthReward({ min: 4, max: 6, buffer: 4 }), ...tokens([0, 2, 4, 6, 8, 12])),
    ).toEqual([-1, -0.5, 0, 0, -0.5, -1]);
    expect(await rewardsOf(lengthReward({ min: 2 }), ...tokens([1, 2, 3]))).toEqual([-1, 0, 0]);
  });

  it('is refused where it is not known, or no length is allowed', () => {
    expect(() => lengthReward()([{ id: 'one', prompt: 'p', responses: ['a'] }], {})).toThrow(/is not known/);
    expect(() => lengthReward({ min: 3, max: 2 })).toThrow(/min 3 above max 2/);
  });
});

describe('a pattern in a response', () => {
  it('is worth 1, and nothing else is', async () => {
    const texts = ['The answer is 42.', 'the answer', 'no'];
    expect(await rewardsOf(patternReward('answer is \\d+'), texts)).toEqual([1, 0, 0]);
    expect(await rewardsOf(patternReward('^THE', 'i'), texts)).toEqual([1, 1, 0]);
    // An expression that is asked again does not go on from where it was.
    expect(await rewardsOf(patternReward('a', 'u'), ['a', 'a', 'a'])).toEqual([1, 1, 1]);
  });

  it('is refused where it could take long, or is none', () => {
    expect(() => patternReward('(a+)+b')).toThrow(/the reward has a pattern/);
    expect(() => patternReward('[')).toThrow();
    expect(() => patternReward('a', 'g')).toThrow(/flags "g"/);
  });
});

describe('the form of a response', () => {
  it('is that of JSON', async () => {
    expect(await rewardsOf(formatReward({ json: true }), ['{"a": [1]}', ' 3 ', '{a: 1}', ''])).toEqual([
      1, 1, 0, 0,
    ]);
  });

  it.each<[string, number]>([
    ['<think>so</think><answer>4</answer>', 1],
    ['  <think>a < b\nand more</think>\n<answer></answer>\n', 1],
    ['<answer>4</answer><think>so</think>', 0],
    ['<think>so</think>', 0],
    ['<think>so</think> Then <answer>4</answer>', 0],
    ['<think>so</think><answer>4</answer> bye', 0],
    ['Well, <think>so</think><answer>4</answer>', 0],
    ['<think>so<think></think><answer>4</answer>', 0],
    ['<think>so</think></think><answer>4</answer>', 0],
    ['<think>so</think><answer>4</answer><answer>5</answer>', 0],
    ['<think><answer>4</answer></think>', 0],
    ['', 0],
  ])('is that of parts between tags: %j is worth %d', async (text, worth) => {
    expect(await rewardsOf(formatReward({ tags: ['think', 'answer'] }), [text])).toEqual([worth]);
  });

  it('needs tags that can be told apart', () => {
    for (const tags of [[], ['a', 'a'], ['a b']]) expect(() => formatReward({ tags })).toThrow();
  });
});
