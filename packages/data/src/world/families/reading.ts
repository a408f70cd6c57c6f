import type { Random } from '@gram/base';
import type { Blueprint, Family } from '../blueprint.js';
import type { Answer } from '../format.js';
import { SINGLE_FORMATS } from '../format.js';
import { gradeSingle, hedge, pickOther, sample } from '../grading.js';
import { COLOURS, NAMES, ROOMS, THINGS } from '../lexicon.js';

interface Lookup {
  readonly question: string;
  readonly answer: string;
  /** The value of the other thing of the story. */
  readonly other: string;
  readonly values: readonly string[];
  say(value: string, random: Random): Answer;
}

function lookupBlueprint({ question, answer, other, values, say }: Lookup): Blueprint {
  const kind = new Set(values);
  const wrongValue = (random: Random) =>
    random.uniform() < 0.7 ? other : pickOther(random, values, answer, other);
  return {
    question,
    formats: SINGLE_FORMATS,
    rubric: {
      topic: [],
      size: 1,
      limit: 9,
      // A value from the story is nearer than one from nowhere.
      correctness: (reading) => gradeSingle(reading, answer, kind, (word) => (word === other ? 0.2 : 0.05)),
    },
    right: (random) => say(answer, random),
    partial: (random) => hedge(random, say(answer, random), wrongValue(random)),
    wrong: (random) => say(wrongValue(random), random),
  };
}

function colourOf(random: Random): Lookup {
  const [one, two] = sample(random, THINGS, 2) as [string, string];
  const [answer, other] = sample(random, COLOURS, 2) as [string, string];
  const facts = random.shuffle([`a ${answer} ${one}`, `a ${other} ${two}`]).join(' and ');
  return {
    question: `${random.pick(NAMES)} has ${facts}. which colour is the ${one}?`,
    answer,
    other,
    values: COLOURS,
    say: (value, stream) =>
      stream.pick([
        { items: [value] },
        { before: `the ${one} is`, items: [value] },
        { before: 'it is', items: [value] },
      ]),
  };
}

function ownerOf(random: Random): Lookup {
  const [one, two] = sample(random, THINGS, 2) as [string, string];
  const [answer, other] = sample(random, NAMES, 2) as [string, string];
  const facts = random.shuffle([`${answer} has the ${one}`, `${other} has the ${two}`]).join(' and ');
  return {
    question: `${facts}. who has the ${one}?`,
    answer,
    other,
    values: NAMES,
    say: (value, stream) =>
      stream.pick([
        { items: [value] },
        { items: [value], after: `has the ${one}` },
        { before: 'it is', items: [value] },
      ]),
  };
}

function placeOf(random: Random): Lookup {
  const [one, two] = sample(random, THINGS, 2) as [string, string];
  const [answer, other] = sample(random, ROOMS, 2) as [string, string];
  const facts = random
    .shuffle([`the ${one} is in the ${answer}`, `the ${two} is in the ${other}`])
    .join(' and ');
  return {
    question: `${facts}. where is the ${one}?`,
    answer,
    other,
    values: ROOMS,
    say: (value, stream) =>
      stream.pick([
        { items: [value] },
        { before: `the ${one} is in the`, items: [value] },
        { before: 'it is in the', items: [value] },
      ]),
  };
}

/** A story of two facts and a question about one: a colour, an owner or a place. The other fact is the trap. */
export const reading: Family = {
  name: 'reading',
  draw: (random) => lookupBlueprint(random.pick([colourOf, ownerOf, placeOf])(random)),
};
