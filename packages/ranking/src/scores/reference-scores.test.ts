import { expect, it } from 'vitest';
import type { Comparator, ComparisonItem } from '../comparator/comparator.js';
import { referenceScores } from './reference-scores.js';

function recorded() {
  const calls: (readonly ComparisonItem[])[] = [];
  const model: Comparator = {
    compare: async (items) => {
      calls.push(items);
      return items.map(({ a, b }) => ({
        probability: a.length / (a.length + b.length),
        consistent: true,
        truncated: false,
        neutralized: false,
      }));
    },
  };
  return { model, calls };
}

it('compares each different text with the reference once, in one call', async () => {
  const { model, calls } = recorded();
  const scores = await referenceScores(model, [
    { id: 'one', prompt: 'p', reference: 'rr', responses: ['a', 'rr', 'bbb', 'a'] },
    { id: 'two', prompt: 'q', reference: 'a', responses: ['aaa'] },
  ]);
  expect(scores).toEqual([[1 / 3, 0.5, 3 / 5, 1 / 3], [3 / 4]]);
  expect(calls).toEqual([
    [
      { id: 'one', prompt: 'p', a: 'a', b: 'rr' },
      { id: 'one', prompt: 'p', a: 'bbb', b: 'rr' },
      { id: 'two', prompt: 'q', a: 'aaa', b: 'a' },
    ],
  ]);
});

it('asks nothing where there is nothing to ask', async () => {
  const { model, calls } = recorded();
  const item = { id: 'one', prompt: 'p', reference: 'r', responses: ['r', 'r'] };
  expect(await referenceScores(model, [item, { ...item, responses: [] }])).toEqual([[0.5, 0.5], []]);
  expect(calls).toEqual([]);
});
