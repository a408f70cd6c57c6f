import type { Random } from '@gram/base';
import type { Family } from './blueprint.js';
import { FORMATS, type FormatName } from './language/format.js';
import { oracleReward } from './oracle/oracle.js';
import { QUALITIES, type Quality, writeResponse } from './responses/writers.js';

/** A prompt with its oracle. */
export interface Task {
  /** The path `split/family/index`, which names the task within a world of one seed. */
  readonly id: string;
  readonly family: string;
  readonly prompt: string;
  /** Computes the exact oracle reward in [0, 1] of any response text; pure. */
  reward(response: string): number;
  /** Writes a response of the given quality; all its choices come from `random`. */
  write(random: Random, quality: Quality): string;
  /** Writes `n` responses of diverse quality, different in text as long as the task has that many. */
  candidates(random: Random, n: number): string[];
}

/** Share of prompts that ask for a format. */
const FORMATTED = 0.5;

/** Draws a task of a family. The prompt alone decides the oracle, so equal prompts have equal rewards. */
export function drawTask(random: Random, family: Family, id: string): Task {
  const blueprint = family.draw(random);
  const format: FormatName =
    random.uniform() < FORMATTED
      ? random.pick(blueprint.formats.filter((name) => name !== 'plain'))
      : 'plain';
  const { instruction } = FORMATS[format];
  const { question, rubric } = blueprint;
  const sheet = { family, blueprint, format };
  const write = (stream: Random, quality: Quality) => writeResponse(stream, sheet, quality);
  return {
    id,
    family: family.name,
    prompt: instruction === '' ? question : `${question} ${instruction}`,
    reward: (response) => oracleReward(question, FORMATS[format], rubric, response),
    write,
    candidates: (stream, n) => {
      const texts: string[] = [];
      let attempts = 0;
      while (texts.length < n) {
        for (const quality of stream.shuffle(QUALITIES).reverse()) {
          if (texts.length >= n) break;
          const text = write(stream, quality);
          if (attempts++ >= 8 * n || !texts.includes(text)) texts.push(text);
        }
      }
      return texts;
    },
  };
}
