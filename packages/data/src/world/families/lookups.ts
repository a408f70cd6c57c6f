import type { Random } from '@gram/base';
import type { Family } from '../blueprint.js';
import { SINGLE_FORMATS } from '../format.js';
import { gradeSingle, hedge, nearNumber, pickOther, sample } from '../grading.js';
import { ANIMALS, LIST_WORDS, NUMBERS, PRAISE, REVIEWED } from '../lexicon.js';

const listWords = new Set(LIST_WORDS);
const numbers = new Set(NUMBERS);
const adjectives = PRAISE.flat();
const adjectiveSet = new Set(adjectives);

/** The first, second or last word of a list of 3 to 5 words. */
export const position: Family = {
  name: 'position',
  draw(random) {
    const words = sample(random, LIST_WORDS, 3 + random.integer(3));
    const place = random.pick(['first', 'second', 'last'] as const);
    const answer = words.at({ first: 0, second: 1, last: -1 }[place]) as string;
    const list = words.join(' ');
    const say = (stream: Random, value: string) =>
      stream.pick([
        { items: [value] },
        { before: `the ${place} word is`, items: [value] },
        { before: 'it is', items: [value] },
      ]);
    return {
      question: random.pick([
        `what is the ${place} word of this list: ${list}?`,
        `read this list: ${list}. what is the ${place} word?`,
        `find the ${place} word of the list ${list}.`,
      ]),
      formats: SINGLE_FORMATS,
      rubric: {
        topic: [],
        size: 1,
        limit: 9,
        correctness: (reading) =>
          gradeSingle(reading, answer, listWords, (word) => (words.includes(word) ? 0.2 : 0.05)),
      },
      right: (stream) => say(stream, answer),
      partial: (stream) => hedge(stream, say(stream, answer), pickOther(stream, words, answer)),
      wrong: (stream) => say(stream, pickOther(stream, stream.uniform() < 0.7 ? words : LIST_WORDS, answer)),
    };
  },
};

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
        correctness: (reading) => gradeSingle(reading, answer, numbers, nearNumber(result)),
      },
      right: (stream) => say(stream, answer),
      partial: (stream) => say(stream, stream.pick(close)),
      wrong: (stream) => say(stream, stream.pick(far)),
    };
  },
};

/** The opposite of an adjective that a speaker uses. A word from another pair is wrong. */
export const opposite: Family = {
  name: 'opposite',
  draw(random) {
    const pair = random.shuffle(random.pick(PRAISE)) as [string, string];
    const [given, answer] = pair;
    const noun = random.pick(REVIEWED);
    const say = (stream: Random, value: string) =>
      stream.pick([
        { items: [value] },
        { before: `the opposite of ${given} is`, items: [value] },
        { before: 'it is', items: [value] },
      ]);
    return {
      question: random.pick([
        `the ${noun} was ${given}. what is the opposite of ${given}?`,
        `what is the opposite of ${given}, as in ${given} ${noun}?`,
        `the ${noun} should not be ${given}. name the opposite of ${given}.`,
      ]),
      formats: SINGLE_FORMATS,
      rubric: {
        topic: [answer],
        size: 1,
        limit: 9,
        correctness: (reading) => gradeSingle(reading, answer, adjectiveSet, () => 0.1, [given]),
      },
      right: (stream) => say(stream, answer),
      partial: (stream) => hedge(stream, say(stream, answer), pickOther(stream, adjectives, ...pair)),
      wrong: (stream) => say(stream, stream.uniform() < 0.3 ? given : pickOther(stream, adjectives, ...pair)),
    };
  },
};
