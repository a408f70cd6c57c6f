import { createChatEncoder, plainChat, tokenizerFromJson, trainBpe } from '@gram/tokenize';
import { createWorld } from '@gram/world';
import { expect, it } from 'vitest';
import { encodePolicyPairs, encodeRewardPairs } from './encode.js';

const world = createWorld({ seed: 4 });
const tokenizer = tokenizerFromJson(
  trainBpe({ texts: world.corpus(50), vocabSize: 500, specialTokens: plainChat.specialTokens }),
);
const encoder = await createChatEncoder({ tokenizer, chat: plainChat, maxLength: 64, overlong: 'truncate' });
const pair = { id: 'one', prompt: 'what is 2 plus 2?', chosen: '4.', rejected: 'five.' };

it('encodes both responses of a pair after the same prompt, to their end tokens', async () => {
  const { examples, truncated } = await encodePolicyPairs(encoder, [pair]);
  expect(truncated).toBe(0);
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
  expect(examples[1]!.rejected.ids).toHaveLength(64);
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
