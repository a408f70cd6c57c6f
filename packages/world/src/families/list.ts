import type { Random } from '@gram/base';
import type { Family } from '../blueprint.js';
import { sample } from '../language/draws.js';
import { LIST_FORMATS } from '../language/format.js';
import { CATEGORIES, LIST_WORDS } from '../language/lexicon.js';

const listWords = new Set(LIST_WORDS);
const categories = Object.entries(CATEGORIES);

/** Three to five members of a category, one of them not allowed. Each member must be different. */
export const list: Family = {
  name: 'list',
  draw(random) {
    const [category, members] = random.pick(categories);
    const count = 3 + random.integer(3);
    const barred = random.pick(members);
    const allowed = members.filter((member) => member !== barred);
    const strangers = LIST_WORDS.filter((word) => !members.includes(word));
    const before = random.pick([`${count} ${category} are`, `here are ${count} ${category}:`]);
    const say = (stream: Random, items: readonly string[]) =>
      stream.uniform() < 0.6 ? { items } : { before, items };
    return {
      question: random.pick([
        `name ${count} ${category} but not ${barred}.`,
        `list ${count} ${category}. do not use the word ${barred}.`,
        `i need the names of ${count} ${category}, but not ${barred}.`,
      ]),
      formats: LIST_FORMATS,
      rubric: {
        topic: members,
        size: count,
        limit: count + 6,
        // The share of the count, less for too many, and less for each stranger, repeat or barred word.
        correctness: ({ words }) => {
          const named = words.filter((word) => listWords.has(word));
          const hits = new Set(named.filter((word) => allowed.includes(word))).size;
          const faults = named.length - hits;
          const share = hits > count ? count / hits : hits / count;
          return share === 1 && faults === 0 ? 1 : (0.85 * share) / (1 + faults);
        },
      },
      right: (stream) => say(stream, sample(stream, allowed, count)),
      partial: (stream) => {
        const items = sample(stream, allowed, count - 1);
        const extra = stream.pick([[], [barred], [stream.pick(strangers)]]);
        return say(stream, stream.shuffle([...items, ...extra]));
      },
      wrong: (stream) => {
        const [, others] = stream.pick(categories.filter(([name]) => name !== category));
        return say(stream, sample(stream, others, count));
      },
    };
  },
};
