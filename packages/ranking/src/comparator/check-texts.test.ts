import { describe, expect, it } from 'vitest';
import { rank, rewardModelFromFunction } from '../index.js';

const asked: unknown[] = [];
const model = rewardModelFromFunction((pairs) => {
  asked.push(...pairs);
  return pairs.map(() => 0.5);
});
const good = { prompt: 'Hi', a: 'a', b: 'b' };

describe('a reward model', () => {
  it.each([
    [[{ a: 5 }], 'prompt of item 0 is undefined'],
    [[good, { ...good, a: 5 }], 'a of item 1 is 5'],
    [[{ ...good, b: { text: 'x' } }], 'b of item 0 is {"text":"x"}'],
    [[{ ...good, prompt: [], id: 'mine' }], 'prompt of mine is not a conversation'],
    [[{ ...good, prompt: [{ role: 'user', content: 5 }] }], '0.content is not a string'],
    [[{ ...good, b: 'x\ud800' }], 'b of item 0 holds half of a surrogate pair: "x\\ud800"'],
    [[{ ...good, b: [{ role: 'assistant', content: '\udc00' }] }], 'half of a surrogate pair'],
    [[null], 'item 0 is null'],
    ['text', '"text" is not a list'],
    [undefined, 'undefined is not a list'],
  ])('refuses %j before it is asked', async (items, message) => {
    await expect(model.compare(items as never)).rejects.toMatchObject({
      name: 'RewardError',
      code: 'bad-values',
      message: expect.stringContaining(message),
    });
    expect(asked).toEqual([]);
  });

  it.each([
    [5, ['a', 'b'], 'prompt of item 0 is 5'],
    ['Hi', 'ab', 'responses of item 0'],
    ['Hi', ['a', undefined], 'response 1 of item 0 is undefined'],
    ['Hi', ['a', '\ud800'], 'half of a surrogate pair'],
  ])('refuses to rank %j %j', async (prompt, responses, message) => {
    const error = { code: 'bad-values', message: expect.stringContaining(message) };
    await expect(model.rank(prompt as never, responses as never)).rejects.toMatchObject(error);
    await expect(rank(model, prompt as never, responses as never)).rejects.toMatchObject(error);
    expect(asked).toEqual([]);
  });

  it('refuses to score what is no text', async () => {
    await expect(model.score('Hi', 5 as never, 'b')).rejects.toMatchObject({ code: 'bad-values' });
    expect(asked).toEqual([]);
  });

  it('takes texts and conversations', async () => {
    const turns = [{ role: 'user', content: 'Hi 🙂' }];
    expect(await model.compare([{ ...good, prompt: turns }])).toHaveLength(1);
  });
});
