import { createRandom } from '@gram/base';
import { DataError } from '../error.js';
import type { Demonstration, PreferencePair, PromptRecord, ResponseList, ResponsePair } from '../records.js';
import type { Family } from './blueprint.js';
import { ADAPTATION, IN_DISTRIBUTION, OUT_OF_DISTRIBUTION } from './families/index.js';
import { DEMONSTRATION_MIXTURE, drawQuality } from './mixtures.js';
import { labeledPair, unlabeledPair } from './pairs.js';
import { belongsTo, FAMILIES, familiesBySplit, type Split } from './splits.js';
import { drawTask, type Task } from './task.js';

export interface WorldOptions {
  /** Everything the world gives is a function of this seed. */
  readonly seed: number;
  /**
   * Sharpness of the Bradley-Terry labels; default 12. With it the oracle itself agrees with about 95 % of the
   * labels, which is the ceiling of any reward model.
   */
  readonly beta?: number;
  /**
   * Families of the `unlabeled` split; default `'in-distribution'`. With `'all'` the first training stage also
   * reads training prompts of the held-out and adaptation families, as broad unlabeled text would.
   */
  readonly families?: 'in-distribution' | 'all';
}

/** A synthetic world of tasks with an exact oracle. Every list is a prefix of the longer list of the same call. */
export interface World {
  readonly inDistribution: readonly string[];
  readonly outOfDistribution: readonly string[];
  readonly adaptation: readonly string[];
  /** The first `n` tasks of a split; families take turns. */
  tasks(split: Split, n: number): Task[];
  /** The prompts of the same tasks. */
  prompts(split: Split, n: number): PromptRecord[];
  /** Pairs of plausible responses, unjudged: 60 % of the responses are right, the rest have lesser faults. */
  unlabeledPairs(n: number): ResponsePair[];
  /** Judged pairs of the in-distribution families, for training. */
  labeledPairs(n: number): PreferencePair[];
  /** Judged pairs of test prompts. */
  testPairs(split: 'in-distribution' | 'out-of-distribution', n: number): PreferencePair[];
  /** Judged pairs of one adaptation family. */
  adaptationPairs(family: string, side: 'train' | 'test', n: number): PreferencePair[];
  /**
   * One written answer to each task of the `sft` split. 42 % are right; the others are wrong, wordy, unfinished or in
   * the wrong form. Their mean oracle reward is about 0.65.
   */
  demonstrations(n: number): Demonstration[];
  /** `size` responses of diverse quality to each of the first `prompts` tasks of a split, with oracle rewards. */
  lists(split: Split, prompts: number, size: number): ResponseList[];
  /** Oracle reward in [0, 1] of a response to the task with this id. */
  reward(id: string, response: string): number;
  /** `n` prompts with responses of all families, one text each, to train a tokenizer on. They carry no label. */
  corpus(n: number): string[];
}

/**
 * Creates a world. Nothing is stored: tasks and responses are drawn when asked for.
 *
 * @throws {DataError} `unknown-task` for a split, family or id that does not exist; `bad-option` for a seed
 * or a beta that is not a number, a beta below zero, or a count that is not a whole number
 */
export function createWorld({ seed, beta = 12, families = 'in-distribution' }: WorldOptions): World {
  if (!Number.isFinite(seed)) {
    throw new DataError('bad-option', `the seed is ${seed}`, 'give a finite number as the seed');
  }
  if (!(beta >= 0)) {
    throw new DataError('bad-option', `beta is ${beta}`, 'Give a beta of zero or more.');
  }
  const splits = familiesBySplit(families);

  function task(split: Split, family: Family, index: number): Task {
    const id = `${split}/${family.name}/${index}`;
    for (let attempt = 0; ; attempt++) {
      const drawn = drawTask(createRandom(seed, 'task', split, family.name, index, attempt), family, id);
      if (belongsTo(split, drawn.prompt)) return drawn;
    }
  }

  function tasks(split: Split, n: number, only?: string): Task[] {
    const members = (Object.hasOwn(splits, split) ? splits[split] : []).filter(
      (family) => only === undefined || family.name === only,
    );
    if (members.length === 0) throw unknown(only ?? split);
    if (!Number.isSafeInteger(n) || n < 0) {
      throw new DataError('bad-option', `the number of records is ${n}`, 'Give a whole number.');
    }
    return Array.from({ length: n }, (_, at) =>
      task(split, members[at % members.length] as Family, Math.floor(at / members.length)),
    );
  }

  const stream = (purpose: string, { id }: Task) => createRandom(seed, purpose, id);
  const labeled = (list: readonly Task[]) =>
    list.map((each) => labeledPair(stream('labeled', each), each, beta));

  return {
    inDistribution: IN_DISTRIBUTION.map(({ name }) => name),
    outOfDistribution: OUT_OF_DISTRIBUTION.map(({ name }) => name),
    adaptation: ADAPTATION.map(({ name }) => name),
    tasks: (split, n) => tasks(split, n),
    prompts: (split, n) => tasks(split, n).map(({ id, prompt, family }) => ({ id, prompt, family })),
    unlabeledPairs: (n) =>
      tasks('unlabeled', n).map((each) => unlabeledPair(stream('unlabeled', each), each)),
    labeledPairs: (n) => labeled(tasks('labeled', n)),
    testPairs: (split, n) => labeled(tasks(split, n)),
    adaptationPairs: (family, side, n) => labeled(tasks(`adaptation-${side}`, n, family)),
    demonstrations: (n) =>
      tasks('sft', n).map((each) => {
        const random = stream('demonstration', each);
        const quality = drawQuality(random, DEMONSTRATION_MIXTURE);
        const { id, prompt, family } = each;
        return { id, prompt, response: each.write(random, quality), family };
      }),
    lists: (split, prompts, size) =>
      tasks(split, prompts).map((each) => {
        const responses = each.candidates(stream('list', each), size);
        const { id, prompt, family } = each;
        return { id, prompt, responses, rewards: responses.map(each.reward), family };
      }),
    reward: (id, response) => {
      const [split = '', name, index = ''] = id.split('/');
      const family = FAMILIES.find((each) => each.name === name);
      if (!Object.hasOwn(splits, split) || family === undefined || !/^\d{1,9}$/.test(index))
        throw unknown(id);
      return task(split as Split, family, Number(index)).reward(response);
    },
    corpus: (n) =>
      Array.from({ length: n }, (_, at) => {
        const family = FAMILIES[at % FAMILIES.length] as Family;
        const index = Math.floor(at / FAMILIES.length);
        const random = createRandom(seed, 'corpus', family.name, index);
        const each = drawTask(random, family, `corpus/${family.name}/${index}`);
        return [each.prompt, ...each.candidates(random, 3)].join('\n');
      }),
  };
}

function unknown(name: string): DataError {
  return new DataError(
    'unknown-task',
    `the world has no split, family or task "${name}"`,
    'Use a name that createWorld lists, or an id that one of its records carries.',
  );
}

/**
 * Share of pairs whose label agrees with the oracle: the accuracy that no reward model can be expected to pass.
 * Ties count one half.
 */
export function oracleAccuracy(world: World, pairs: readonly PreferencePair[]): number {
  let agreed = 0;
  for (const { id, chosen, rejected } of pairs) {
    agreed += (Math.sign(world.reward(id, chosen) - world.reward(id, rejected)) + 1) / 2;
  }
  return agreed / pairs.length;
}
