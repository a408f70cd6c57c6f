import type { Random } from '@gram/base';
import type { Family } from '../blueprint.js';
import { hedge, pickOther, sample } from '../language/draws.js';
import { SINGLE_FORMATS } from '../language/format.js';
import { LIST_WORDS } from '../language/lexicon.js';
import { gradeSingle } from '../oracle/grading.js';

const listWords = new Set(LIST_WORDS);

/** The first, second or last word of a list of 3 to 5 words. */
export const position: Family = {
  name: 'position',
  draw(random) {
    const words = sample(random, LIST_WORDS, 3 + random.integer(3));
    const place = random.pick(['first', 'second', 'last'] as const);
    const answer = words.at({ first: 0, second: 1, last: -1 }[place]) ?? '';
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
          gradeSingle(reading, {
            answer,
            kind: listWords,
            near: (word) => (words.includes(word) ? 0.2 : 0.05),
          }),
      },
      right: (stream) => say(stream, answer),
      partial: (stream) => hedge(stream, say(stream, answer), pickOther(stream, words, answer)),
      wrong: (stream) => say(stream, pickOther(stream, stream.uniform() < 0.7 ? words : LIST_WORDS, answer)),
    };
  },
};
