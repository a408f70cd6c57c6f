import type { Random } from '@gram/base';
import type { Blueprint, Family } from '../blueprint.js';
import { hedge, pickOther, samplePair } from '../language/draws.js';
import { type Answer, SINGLE_FORMATS } from '../language/format.js';
import { COLORS, NAMES, ROOMS, THINGS } from '../language/lexicon.js';
import { gradeSingle } from '../oracle/grading.js';

/** A story of two facts and a question about one of them. */
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
      correctness: (reading) =>
        gradeSingle(reading, { answer, kind, near: (word) => (word === other ? 0.2 : 0.05) }),
    },
    right: (random) => say(answer, random),
    partial: (random) => hedge(random, say(answer, random), wrongValue(random)),
    wrong: (random) => say(wrongValue(random), random),
  };
}

function drawColor(random: Random): Lookup {
  const [one, two] = samplePair(random, THINGS);
  const [answer, other] = samplePair(random, COLORS);
  const facts = random.shuffle([`a ${answer} ${one}`, `a ${other} ${two}`]).join(' and ');
  return {
    question: `${random.pick(NAMES)} has ${facts}. which colour is the ${one}?`,
    answer,
    other,
    values: COLORS,
    say: (value, stream) =>
      stream.pick([
        { items: [value] },
        { before: `the ${one} is`, items: [value] },
        { before: 'it is', items: [value] },
      ]),
  };
}

function drawOwner(random: Random): Lookup {
  const [one, two] = samplePair(random, THINGS);
  const [answer, other] = samplePair(random, NAMES);
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

function drawPlace(random: Random): Lookup {
  const [one, two] = samplePair(random, THINGS);
  const [answer, other] = samplePair(random, ROOMS);
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
  draw: (random) => lookupBlueprint(random.pick([drawColor, drawOwner, drawPlace])(random)),
};
