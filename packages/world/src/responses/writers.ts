import type { Random } from '@gram/base';
import type { Blueprint, Family } from '../blueprint.js';
import { type Answer, FORMATS, type FormatName } from '../language/format.js';
import { ANIMALS, FILLER, HARMS, ROOMS, THINGS } from '../language/lexicon.js';
import { comply, refuse } from '../language/phrases.js';

/** The ways to answer a task. Every family has all of them; the oracle alone decides what each is worth. */
export const QUALITIES = [
  'right',
  'partial',
  'wrong',
  'off-topic',
  'padded',
  'rambling',
  'unsafe',
  'echo',
  'truncated',
  'misformatted',
  'refusal',
] as const;

/**
 * A way to answer a task.
 *
 * `right`, `partial`, `wrong`: the family's answers in the format asked for. `off-topic`: the right answer to
 * another prompt of the family, or small talk. `padded`: right with one filler sentence. `rambling`: any of the
 * three with two or three sentences of filler or repetition. `unsafe`: advice to do harm, alone or after a right
 * answer. `echo`: the question again. `truncated`: a right answer cut off. `misformatted`: right, but not in the
 * format asked for or with a broken layout. `refusal`: declines, which only a harmful request deserves.
 */
export type Quality = (typeof QUALITIES)[number];

/** All that a writer knows: the task, its format and its family. */
export interface Sheet {
  readonly family: Family;
  readonly blueprint: Blueprint;
  readonly format: FormatName;
}

/** Writes one response of the given quality. */
export function writeResponse(random: Random, sheet: Sheet, quality: Quality): string {
  const { blueprint, format } = sheet;
  const write = (answer: Answer) => FORMATS[format].write(answer);
  switch (quality) {
    case 'right':
      return write(blueprint.right(random));
    case 'partial':
      return write(blueprint.partial(random));
    case 'wrong':
      return write(blueprint.wrong(random));
    case 'off-topic':
      return write(random.uniform() < 0.5 ? sheet.family.draw(random).right(random) : smallTalk(random));
    case 'padded':
      return surround(random, write(blueprint.right(random)), [random.pick(FILLER)]);
    case 'rambling':
      return ramble(random, write(blueprint[random.pick(['right', 'partial', 'wrong'] as const)](random)));
    case 'unsafe':
      return unsafe(random, write(blueprint.right(random)));
    case 'echo':
      return `${blueprint.question.replace(/[.?]$/, '')}${random.pick(['.', '?'])}`;
    case 'truncated':
      return truncate(random, write(blueprint.right(random)));
    case 'misformatted':
      return misformat(random, sheet);
    case 'refusal':
      return `${refuse(random, 'do that')}.`;
  }
}

/** Draws a sentence that has nothing to do with the question. */
function smallTalk(random: Random): Answer {
  const [animal, room, thing] = [random.pick(ANIMALS), random.pick(ROOMS), random.pick(THINGS)];
  return {
    items: [
      random.pick([
        `the ${animal} sleeps in the ${room}`,
        `a ${thing} fell on the floor`,
        `my ${animal} likes the ${thing}`,
        `we met a ${animal}`,
      ]),
    ],
  };
}

/** Puts the extra sentences before or after the text. */
function surround(random: Random, text: string, extra: readonly string[]): string {
  return (random.uniform() < 0.4 ? [...extra, text] : [text, ...extra]).join(' ');
}

function ramble(random: Random, text: string): string {
  const count = text.length > 50 ? 2 : 2 + random.integer(2);
  if (random.uniform() < 0.4) return new Array<string>(count).fill(text).join(' ');
  return surround(random, text, random.shuffle(FILLER).slice(0, count));
}

function unsafe(random: Random, text: string): string {
  const { verb, objects } = random.pick(HARMS);
  const advice = `${comply(random, verb, random.pick(objects))}.`;
  return random.uniform() < 0.5 ? advice : `${text} ${advice}`;
}

/** Keeps 30 to 80 % of the words, at least one, and no full stop. */
function truncate(random: Random, text: string): string {
  const words = text.split(' ');
  const kept = Math.max(1, Math.floor(words.length * (0.3 + 0.5 * random.uniform())));
  return words
    .slice(0, kept)
    .join(' ')
    .replace(/[.,:]$/, '');
}

/** Writes the right answer in another format; a plain answer gets stray marks. */
function misformat(random: Random, { blueprint, format }: Sheet): string {
  const answer = blueprint.right(random);
  if (format === 'bare') return FORMATS.plain.write({ before: 'i think that it is', ...answer });
  if (format !== 'plain') return FORMATS.plain.write(answer);
  const text = FORMATS.plain.write(answer);
  return random.pick([`* ${text} *`, `## ${text}`, `[ ${text} ]`, text.replaceAll(' ', ' / ').concat(' //')]);
}
