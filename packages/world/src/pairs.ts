import type { Random } from '@gram/base';
import type { PreferencePair, ResponsePair, TextRecord } from '@gram/data';
import { WorldError } from './error.js';
import {
  CAREFUL_MIXTURE,
  CAREFUL_SHARE,
  CARELESS_MIXTURE,
  drawQuality,
  LABELED_MIXTURE,
  type Mixture,
  UNLABELED_MIXTURE,
} from './responses/mixtures.js';
import type { Task } from './task.js';

function drawTexts(random: Random, task: Task, mixture: Mixture): [string, string] {
  const draw = () => task.write(random, drawQuality(random, mixture));
  const first = draw();
  let second = draw();
  for (let attempt = 0; attempt < 100 && second === first; attempt++) second = draw();
  return [first, second];
}

/** Smallest difference of the rewards of a pair. Others are redrawn, as annotators leave out what they cannot tell apart. */
const SMALLEST_MARGIN = 0.05;

/** Who writes the two responses of an unlabeled pair, see `WorldOptions`. */
export type Writers = 'independent' | 'consistent';

/** Draws two different responses of the unlabeled mixture. */
export function unlabeledPair(random: Random, task: Task, writers: Writers): TextRecord<ResponsePair> {
  const { id, prompt, family } = task;
  return { id, prompt, responses: drawTexts(random, task, mixtureOf(random, writers)), family };
}

function mixtureOf(random: Random, writers: Writers): Mixture {
  if (writers === 'independent') return UNLABELED_MIXTURE;
  return random.uniform() < CAREFUL_SHARE ? CAREFUL_MIXTURE : CARELESS_MIXTURE;
}

/**
 * Draws two responses whose rewards differ, and a noisy label:
 *
 *     P(a is chosen) = sigmoid(beta * (reward(a) - reward(b)))          (Bradley and Terry, 1952)
 *
 * A fair coin decides whether the longer response is to be the better one, and pairs are redrawn until they agree with
 * it, so that length says nothing about quality.
 */
export function labeledPair(random: Random, task: Task, beta: number): TextRecord<PreferencePair> {
  const longerWins = random.uniform() < 0.5;
  for (let attempt = 0; attempt < 500; attempt++) {
    const [a, b] = drawTexts(random, task, LABELED_MIXTURE);
    const margin = task.reward(a) - task.reward(b);
    if (Math.abs(margin) < SMALLEST_MARGIN) continue;
    if (attempt < 50 && margin > 0 !== (longerWins ? a.length > b.length : a.length < b.length)) continue;
    const aWins = random.uniform() < 1 / (1 + Math.exp(-beta * margin));
    const { id, prompt, family } = task;
    return { id, prompt, chosen: aWins ? a : b, rejected: aWins ? b : a, family };
  }
  throw new WorldError(
    'unknown-task',
    `no two responses of different rewards for ${task.id}`,
    'give the family writers whose responses differ in reward',
  );
}
