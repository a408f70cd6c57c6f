import type { Random } from '@gram/base';
import type { Family } from '../blueprint.js';
import { hedge, pickOther, samplePair } from '../language/draws.js';
import { SINGLE_FORMATS } from '../language/format.js';
import { PRAISE, REVIEWED } from '../language/lexicon.js';
import { gradeSingle } from '../oracle/grading.js';

const adjectives = PRAISE.flat();
const adjectiveSet = new Set(adjectives);

/** The opposite of an adjective that a speaker uses. A word from another pair is wrong. */
export const opposite: Family = {
  name: 'opposite',
  draw(random) {
    const pair = samplePair(random, random.pick(PRAISE));
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
        correctness: (reading) => gradeSingle(reading, { answer, kind: adjectiveSet, restated: [given] }),
      },
      right: (stream) => say(stream, answer),
      partial: (stream) => hedge(stream, say(stream, answer), pickOther(stream, adjectives, ...pair)),
      wrong: (stream) => say(stream, stream.uniform() < 0.3 ? given : pickOther(stream, adjectives, ...pair)),
    };
  },
};
