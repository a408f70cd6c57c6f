import type { Random } from '@gram/base';
import type { Family } from '../blueprint.js';
import { pickOther, samplePair } from '../language/draws.js';
import { SINGLE_FORMATS } from '../language/format.js';
import { PRAISE, REVIEWED } from '../language/lexicon.js';
import { gradeSingle } from '../oracle/grading.js';

const verdicts = ['good', 'bad', 'mixed'];
const kind = new Set(verdicts);

type Side = 0 | 1;

/** Draws for each of two clauses whether it praises (0) or blames (1). */
function drawSides(random: Random, verdict: string): [Side, Side] {
  if (verdict === 'mixed') return samplePair<Side>(random, [0, 1]);
  return verdict === 'good' ? [0, 0] : [1, 1];
}

/** A two-clause review that is good, bad or mixed. "mixed" for a clear review, and the reverse, is partly right. */
export const sentiment: Family = {
  name: 'sentiment',
  draw(random) {
    const verdict = random.pick(verdicts);
    const [first, second] = samplePair(random, REVIEWED);
    const [one, two] = samplePair(random, PRAISE);
    const [side, otherSide] = drawSides(random, verdict);
    const link = verdict === 'mixed' ? 'but' : 'and';
    const clauses = `the ${first} was ${one[side]} ${link} the ${second} was ${two[otherSide]}`;
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
          gradeSingle(reading, {
            answer: verdict,
            kind,
            near: (word) => (verdict === 'mixed' || word === 'mixed' ? 0.4 : 0.1),
          }),
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
