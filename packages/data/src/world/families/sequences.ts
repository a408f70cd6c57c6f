import type { Random } from '@gram/base';
import type { Blueprint, Family } from '../blueprint.js';
import { LIST_FORMATS } from '../format.js';
import { damage, gradeSequence, pickOther, sample } from '../grading.js';
import { LIST_WORDS, NUMBERS } from '../lexicon.js';

const listWords = new Set(LIST_WORDS);
const numbers = new Set(NUMBERS);

interface Sequence {
  readonly question: string;
  readonly before: string;
  readonly target: readonly string[];
  /** Words that an answer is read from. */
  readonly kind: readonly string[];
  /** A whole list in a wrong order. */
  readonly misordered: readonly string[];
}

function sequenceBlueprint({ question, before, target, kind, misordered }: Sequence): Blueprint {
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

/** A list of 3 to 5 words to write backwards; the credit is that of an ordered list. */
export const reverse: Family = {
  name: 'reverse',
  draw(random) {
    const words = sample(random, LIST_WORDS, 3 + random.integer(3));
    const list = words.join(' ');
    return sequenceBlueprint({
      question: random.pick([
        `write these words in reverse order: ${list}.`,
        `turn this list around: ${list}.`,
        `please write this list backwards: ${list}.`,
      ]),
      before: random.pick(['the words in reverse order are', 'the list is now']),
      target: [...words].reverse(),
      kind: LIST_WORDS,
      misordered: words,
    });
  },
};

/** Three to five different numbers up to 20 to sort, up or down. */
export const sort: Family = {
  name: 'sort',
  draw(random) {
    const values = sample(random, NUMBERS, 3 + random.integer(3));
    const up = [...values].sort((left, right) => Number(left) - Number(right));
    const rising = random.uniform() < 0.6;
    const order = rising ? 'from small to large' : 'from large to small';
    const down = [...up].reverse();
    return sequenceBlueprint({
      question: random.pick([
        `sort these numbers ${order}: ${values.join(' ')}.`,
        `put the numbers ${values.join(' ')} in order ${order}.`,
        `please write these numbers ${order}: ${values.join(' ')}.`,
      ]),
      before: random.pick(['the numbers in order are', 'the sorted numbers are']),
      target: rising ? up : down,
      kind: NUMBERS,
      misordered: rising ? down : up,
    });
  },
};

/** A list of 3 to 5 words to say again in the same order. */
export const copy: Family = {
  name: 'copy',
  draw(random) {
    const words = sample(random, LIST_WORDS, 3 + random.integer(3));
    const list = words.join(' ');
    return sequenceBlueprint({
      question: random.pick([
        `repeat these words in the same order: ${list}.`,
        `please say this list again: ${list}.`,
        `copy the words of this list: ${list}.`,
      ]),
      before: random.pick(['the words are', 'the list is']),
      target: words,
      kind: LIST_WORDS,
      misordered: [...words].reverse(),
    });
  },
};
