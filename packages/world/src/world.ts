import { createRandom } from '@gram/base';
import type {
  Demonstration,
  PreferencePair,
  PromptRecord,
  ResponseList,
  ResponsePair,
  TextRecord,
} from '@gram/data';
import { WorldError } from './error.js';
import { ADAPTATION, FAMILIES, IN_DISTRIBUTION, OUT_OF_DISTRIBUTION } from './families/index.js';
import { labeledPair, unlabeledPair, type Writers } from './pairs.js';
import { DEMONSTRATION_MIXTURE, drawQuality } from './responses/mixtures.js';
import { familiesBySplit, type Split } from './splits.js';
import { drawTask, type Task } from './task.js';
import { createTaskSource, takeTurns } from './task-source.js';

/** Options of `createWorld`. */
export interface WorldOptions {
  /** All that the world returns is a function of this seed. */
  readonly seed: number;
  /**
   * Sharpness of the Bradley-Terry labels. With 12 the oracle itself agrees with about 95 % of the labels, which is the
   * ceiling of any reward model.
   *
   * @default 12
   */
  readonly beta?: number;
  /**
   * Families of the `unlabeled` split. With `'all'` the first training stage also reads training prompts of the held-out
   * and adaptation families, as it would from broad unlabeled text.
   *
   * @default 'in-distribution'
   */
  readonly families?: 'in-distribution' | 'all';
  /**
   * Whether the two responses of an unlabeled pair are by one writer, who is careful or careless in both, or drawn each by
   * itself. Both draw from the same shares of good and of faulty responses.
   *
   * @default 'independent'
   */
  readonly writers?: Writers;
}

/** A synthetic world of tasks with an exact oracle. Every list is a prefix of a longer list of the same call. */
export interface World {
  readonly inDistribution: readonly string[];
  readonly outOfDistribution: readonly string[];
  readonly adaptation: readonly string[];
  /** Returns the first `n` tasks of a split; families take turns. */
  tasks(split: Split, n: number): Task[];
  /** Returns the prompts of the same tasks. */
  prompts(split: Split, n: number): TextRecord<PromptRecord>[];
  /** Returns unjudged pairs of plausible responses: 60 % of the responses are right, the rest have lesser faults. */
  unlabeledPairs(n: number): TextRecord<ResponsePair>[];
  /** Returns judged pairs of the in-distribution families, for training. */
  labeledPairs(n: number): TextRecord<PreferencePair>[];
  /** Returns judged pairs of test prompts. */
  testPairs(split: 'in-distribution' | 'out-of-distribution', n: number): TextRecord<PreferencePair>[];
  /** Returns judged pairs of one adaptation family. */
  adaptationPairs(family: string, side: 'train' | 'test', n: number): TextRecord<PreferencePair>[];
  /**
   * Returns one written answer to each task of the `sft` split. 42 % are right; the others are wrong, wordy, unfinished
   * or in the wrong format. Their mean oracle reward is about 0.65.
   */
  demonstrations(n: number): TextRecord<Demonstration>[];
  /** Returns `size` responses of diverse quality to each of the first `prompts` tasks, with their oracle rewards. */
  lists(split: Split, prompts: number, size: number): TextRecord<ResponseList>[];
  /** Computes the oracle reward in [0, 1] of a response to the task with this id. */
  reward(id: string, response: string): number;
  /** Returns `n` unlabeled texts of all families, each a prompt with responses, to train a tokenizer. */
  corpus(n: number): string[];
}

/**
 * Creates a world. Nothing is stored: tasks and responses are drawn when they are requested.
 *
 * @throws {WorldError} `unknown-task` for a split, family or id that does not exist; `bad-option` for a seed or a beta that
 *   is not a number, a beta below zero, or a count that is not a whole number
 *
 * @example
 * ```ts
 * const world = createWorld({ seed: 1 });
 * const [pair] = world.labeledPairs(1);
 * if (pair !== undefined) console.log(world.reward(pair.id, pair.chosen) - world.reward(pair.id, pair.rejected));
 * ```
 */
export function createWorld({
  seed,
  beta = 12,
  families = 'in-distribution',
  writers = 'independent',
}: WorldOptions): World {
  if (!Number.isFinite(seed)) {
    throw new WorldError('bad-option', `the seed is ${seed}`, 'give a finite number as the seed');
  }
  if (!(beta >= 0)) throw new WorldError('bad-option', `beta is ${beta}`, 'give a beta of zero or more');
  const { tasks, findTask } = createTaskSource(seed, familiesBySplit(families));
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
      tasks('unlabeled', n).map((each) => unlabeledPair(stream('unlabeled', each), each, writers)),
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
    reward: (id, response) => findTask(id).reward(response),
    corpus: (n) => drawCorpus(seed, n),
  };
}

/** Draws texts of all families for a tokenizer. */
function drawCorpus(seed: number, n: number): string[] {
  return takeTurns(FAMILIES, n).map(([family, index]) => {
    const random = createRandom(seed, 'corpus', family.name, index);
    const task = drawTask(random, family, `corpus/${family.name}/${index}`);
    return [task.prompt, ...task.candidates(random, 3)].join('\n');
  });
}

/**
 * Computes the share of pairs whose label agrees with the oracle. No reward model can be expected to have a higher
 * accuracy. Ties count one half.
 */
export function oracleAccuracy(world: World, pairs: readonly TextRecord<PreferencePair>[]): number {
  let agreed = 0;
  for (const { id, chosen, rejected } of pairs) {
    agreed += (Math.sign(world.reward(id, chosen) - world.reward(id, rejected)) + 1) / 2;
  }
  return agreed / pairs.length;
}
