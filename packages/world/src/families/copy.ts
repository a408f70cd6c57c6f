import type { Family } from '../blueprint.js';
import { sample } from '../language/draws.js';
import { LIST_WORDS } from '../language/lexicon.js';
import { sequenceBlueprint } from '../sequence-blueprint.js';

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
