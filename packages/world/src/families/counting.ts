import type { Random } from '@gram/base';
import type { Family } from '../blueprint.js';
import { sample } from '../language/draws.js';
import { SINGLE_FORMATS } from '../language/format.js';
import { ANIMALS, LIST_WORDS, NUMBERS } from '../language/lexicon.js';
import { gradeSingle, nearNumber } from '../oracle/grading.js';

const numbers = new Set(NUMBERS);

/** How many words, or how many animals, a list of 3 to 8 words has. Off by one is partly right. */
export const counting: Family = {
  name: 'counting',
  draw(random) {
    const words = sample(random, LIST_WORDS, 2 + random.integer(3));
    const animals = sample(random, ANIMALS, 2 + random.integer(3));
    const all = random.shuffle([...new Set([...words, ...animals])]);
    const wanted = random.pick(['words', 'animals']);
    const result = wanted === 'words' ? all.length : all.filter((word) => ANIMALS.includes(word)).length;
    const answer = String(result);
    const close = NUMBERS.filter((value) => Math.abs(Number(value) - result) === 1);
    const far = NUMBERS.slice(0, 10).filter((value) => Math.abs(Number(value) - result) > 2);
    const list = all.join(' ');
    const say = (stream: Random, value: string) =>
      stream.pick([
        { items: [value] },
        { before: 'the answer is', items: [value] },
        { before: 'there are', items: [value], after: wanted },
      ]);
    return {
      question: random.pick([
        `how many ${wanted} are in this list: ${list}?`,
        `count the ${wanted} of this list: ${list}.`,
        `read this list: ${list}. how many ${wanted} does it have?`,
      ]),
      formats: SINGLE_FORMATS,
      rubric: {
        topic: NUMBERS,
        size: 1,
        limit: 8,
        correctness: (reading) => gradeSingle(reading, { answer, kind: numbers, near: nearNumber(result) }),
      },
      right: (stream) => say(stream, answer),
      partial: (stream) => say(stream, stream.pick(close)),
      wrong: (stream) => say(stream, stream.pick(far)),
    };
  },
};
