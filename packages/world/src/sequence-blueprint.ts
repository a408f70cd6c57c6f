import type { Random } from '@gram/base';
import type { Blueprint } from './blueprint.js';
import { damage, pickOther } from './language/draws.js';
import { LIST_FORMATS } from './language/format.js';
import { LIST_WORDS, NUMBERS } from './language/lexicon.js';
import { gradeSequence } from './oracle/grading.js';

const listWords = new Set(LIST_WORDS);
const numbers = new Set(NUMBERS);

/** A task whose answer is an ordered list. */
export interface Sequence {
  readonly question: string;
  readonly before: string;
  readonly target: readonly string[];
  /** All words that an answer may consist of. */
  readonly kind: readonly string[];
  /** The whole list in a wrong order. */
  readonly misordered: readonly string[];
}

/** Makes the blueprint that `reverse`, `sort` and `copy` share. */
export function sequenceBlueprint({ question, before, target, kind, misordered }: Sequence): Blueprint {
  const known = kind === NUMBERS ? numbers : listWords;
  const say = (random: Random, items: readonly string[]) =>
    random.uniform() < 0.6 ? { items } : { before, items };
  return {
    question,
    formats: LIST_FORMATS,
    rubric: {
      topic: ['list', 'words', 'reverse', 'numbers'],
      size: target.length,
      limit: target.length + 7,
      correctness: (reading) => gradeSequence(reading, target, known),
    },
    right: (random) => say(random, target),
    partial: (random) => say(random, damage(random, target)),
    wrong: (random) =>
      say(
        random,
        random.uniform() < 0.5
          ? misordered
          : target.map((item, at) => (at === 0 ? item : pickOther(random, kind, ...target))),
      ),
  };
}
