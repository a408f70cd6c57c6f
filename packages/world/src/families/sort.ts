import type { Family } from '../blueprint.js';
import { sample } from '../language/draws.js';
import { NUMBERS } from '../language/lexicon.js';
import { sequenceBlueprint } from '../sequence-blueprint.js';

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
