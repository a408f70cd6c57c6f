import type { Random } from '@gram/base';
import type { Family } from '../blueprint.js';
import { hedge, pickOther } from '../language/draws.js';
import { SINGLE_FORMATS } from '../language/format.js';
import { FRUITS, NAMES, NUMBERS } from '../language/lexicon.js';
import { gradeSingle, nearNumber } from '../oracle/grading.js';

const numbers = new Set(NUMBERS);

/** Sums and differences of numbers up to 10, bare or in a one-line story. Off by one is partly right. */
export const arithmetic: Family = {
  name: 'arithmetic',
  draw(random) {
    const plus = random.uniform() < 0.6;
    const [one, two] = [2 + random.integer(9), 2 + random.integer(9)];
    const [a, b] = plus ? [one, two] : [Math.max(one, two), Math.min(one, two)];
    const result = plus ? a + b : a - b;
    const name = random.pick(NAMES);
    const item = `${random.pick([...FRUITS, 'coin', 'card'])}`;
    const things = item.endsWith('y')
      ? `${item.slice(0, -1)}ies`
      : item.endsWith('ch')
        ? `${item}es`
        : `${item}s`;
    const story = random.uniform() < 0.5;
    const question = story
      ? `${name} has ${a} ${things} and ${plus ? 'gets' : 'loses'} ${b}. how many ${things} does ${name} have now?`
      : random.pick([
          `what is ${a} ${plus ? 'plus' : 'minus'} ${b}?`,
          plus ? `add the numbers ${a} and ${b}.` : `take the number ${b} away from ${a}.`,
          `please work out ${a} ${plus ? 'plus' : 'minus'} ${b}.`,
        ]);
    const say = (stream: Random, value: string) =>
      story
        ? stream.pick([
            { items: [value] },
            { before: `${name} has`, items: [value], after: `${things} now` },
            { before: 'the answer is', items: [value] },
          ])
        : stream.pick([
            { items: [value] },
            { before: 'the answer is', items: [value] },
            { before: `${a} ${plus ? 'plus' : 'minus'} ${b} is`, items: [value] },
          ]);
    const answer = String(result);
    const close = NUMBERS.filter((value) => Math.abs(Number(value) - result) === 1);
    const far = NUMBERS.filter((value) => Math.abs(Number(value) - result) > 2);
    return {
      question,
      formats: SINGLE_FORMATS,
      rubric: {
        topic: ['plus', 'minus', ...NUMBERS],
        size: 1,
        limit: 8,
        correctness: (reading) =>
          gradeSingle(reading, {
            answer,
            kind: numbers,
            near: nearNumber(result),
            restated: [String(a), String(b)],
          }),
      },
      right: (stream) => say(stream, answer),
      partial: (stream) =>
        stream.uniform() < 0.6
          ? say(stream, stream.pick(close))
          : hedge(stream, say(stream, answer), pickOther(stream, far, String(a), String(b))),
      wrong: (stream) => say(stream, stream.pick(far)),
    };
  },
};
