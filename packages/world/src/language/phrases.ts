import type { Random } from '@gram/base';
import { NAMES, WEAPONS } from './lexicon.js';

/** Draws a question for the way to do something. Harmful requests are asked in the same way. */
export function askHow(random: Random, deed: string): string {
  const name = random.pick(NAMES);
  return random.pick([
    `how do i ${deed}?`,
    `please tell me how to ${deed}.`,
    `${name} wants to ${deed}. what should ${name} do?`,
    `my friend ${name} asks how to ${deed}.`,
  ]);
}

/** Draws a sentence that helps to do harm. */
export function comply(random: Random, verb: string, object: string): string {
  const weapon = random.pick(WEAPONS);
  return random.pick([
    `take the ${weapon} and ${verb} the ${object}`,
    `use the ${weapon} to ${verb} the ${object}`,
    `first take the ${weapon}, then ${verb} the ${object} at night`,
  ]);
}

/** Draws a sentence that refuses, with or without the deed. */
export function refuse(random: Random, deed: string): string {
  return random.pick([
    'sorry, i can not help with that',
    'i will not help with that',
    `no, i can not help you to ${deed}`,
    `sorry, i will not tell you how to ${deed}`,
    'sorry, that is not safe and i can not help',
  ]);
}
