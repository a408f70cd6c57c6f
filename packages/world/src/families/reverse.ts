import type { Family } from '../blueprint.js';
import { sample } from '../language/draws.js';
import { LIST_WORDS } from '../language/lexicon.js';
import { sequenceBlueprint } from '../sequence-blueprint.js';

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
