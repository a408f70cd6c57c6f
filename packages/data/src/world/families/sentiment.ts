import type { Random } from '@gram/base';
import type { Family } from '../blueprint.js';
import { SINGLE_FORMATS } from '../format.js';
import { gradeSingle, pickOther, sample } from '../grading.js';
import { PRAISE, REVIEWED } from '../lexicon.js';

const verdicts = ['good', 'bad', 'mixed'];
const kind = new Set(verdicts);

/** A two-clause review that is good, bad or mixed. "mixed" for a clear review, and the reverse, is partly right. */
export const sentiment: Family = {
  name: 'sentiment',
  draw(random) {
    const verdict = random.pick(verdicts);
    const [first, second] = sample(random, REVIEWED, 2);
    const [one, two] = sample(random, PRAISE, 2) as [(typeof PRAISE)[0], (typeof PRAISE)[0]];
    const sides = verdict === 'mixed' ? random.shuffle([0, 1]) : verdict === 'good' ? [0, 0] : [1, 1];
    const clauses = `the ${first} was ${one[sides[0] as 0 | 1]} ${verdict === 'mixed' ? 'but' : 'and'} the ${second} was ${two[sides[1] as 0 | 1]}`;
    const say = (stream: Random, value: string) =>
      stream.pick([
        { items: [value] },
        { before: 'the review is', items: [value] },
        { before: 'this is a', items: [value], after: 'review' },
      ]);
    return {
      question: random.pick([
        `is this review good, bad or mixed? ${clauses}.`,
        `${clauses}. is this review good, bad or mixed?`,
        `read this review: ${clauses}. is it good, bad or mixed?`,
      ]),
      formats: SINGLE_FORMATS,
      rubric: {
        topic: verdicts,
        size: 1,
        limit: 8,
        correctness: (reading) =>
          gradeSingle(reading, verdict, kind, (word) =>
            verdict === 'mixed' || word === 'mixed' ? 0.4 : 0.1,
          ),
      },
      right: (stream) => say(stream, verdict),
      partial: (stream) => say(stream, verdict === 'mixed' ? stream.pick(['good', 'bad']) : 'mixed'),
      // A review of mixed feelings has no opposite, so its wrong answer names no verdict at all.
      wrong: (stream) =>
        say(
          stream,
          verdict === 'mixed'
            ? stream.pick(['long', 'red', 'late'])
            : pickOther(stream, verdicts, verdict, 'mixed'),
        ),
    };
  },
};
