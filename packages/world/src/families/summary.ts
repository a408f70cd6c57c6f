import type { Random } from '@gram/base';
import type { Family } from '../blueprint.js';
import { pickOther } from '../language/draws.js';
import { SENTENCE_FORMATS } from '../language/format.js';
import { ANIMALS, NAMES, ROOMS } from '../language/lexicon.js';

/** What somebody does with the animal at the end of a story. */
const ENDINGS = ['took', 'fed', 'washed', 'kept', 'sold', 'hid'];
const MOODS = ['cold', 'late', 'dark', 'quiet', 'warm'];

/**
 * A story of four short sentences to sum up in one. A summary needs who, what animal and what happened in the
 * end (a third each); a name, animal or ending from outside the story makes it unfaithful, which costs most.
 * The place and the mood are details: they earn nothing and cost length.
 */
export const summary: Family = {
  name: 'summary',
  draw(random) {
    const name = random.pick(NAMES);
    const animal = random.pick(ANIMALS);
    const room = random.pick(ROOMS);
    const ending = random.pick(ENDINGS);
    const story = [
      `${name} went to the ${room}.`,
      `it was ${random.pick(MOODS)}.`,
      `${name} saw a ${animal}.`,
      `then ${name} ${ending} the ${animal}.`,
    ].join(' ');
    const say = (stream: Random, who: string, what: string, end: string) =>
      stream.pick([
        { items: [`${who} ${end} a ${what}`] },
        { items: [`${who} saw a ${what} and ${end} it`] },
        { items: [`in the ${room} ${who} ${end} a ${what}`] },
      ]);
    return {
      question: random.pick([`sum up this story: ${story}`, `${story} please sum up the story.`]),
      formats: SENTENCE_FORMATS,
      rubric: {
        topic: [],
        size: 4,
        limit: 9,
        correctness: ({ words }) => {
          const slots = [
            [NAMES, name],
            [ANIMALS, animal],
            [ENDINGS, ending],
          ] as const;
          const covered = slots.filter(([, right]) => words.includes(right)).length / slots.length;
          const faithful = slots.every(([kind, right]) =>
            words.every((word) => word === right || !kind.includes(word)),
          );
          return faithful ? covered : 0.25 * covered;
        },
      },
      right: (stream) => say(stream, name, animal, ending),
      partial: (stream) =>
        stream.pick([
          { items: [`${name} saw a ${animal} in the ${room}`] },
          { items: [`${name} saw the ${animal}`] },
          { items: [`someone then ${ending} the ${animal}`] },
        ]),
      wrong: (stream) => {
        const who = stream.uniform() < 0.5 ? pickOther(stream, NAMES, name) : name;
        const end = pickOther(stream, ENDINGS, ending);
        return say(stream, who, pickOther(stream, ANIMALS, animal), end);
      },
    };
  },
};
