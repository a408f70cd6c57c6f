import { createRandom, quote } from '@gram/base';
import type { Family } from './blueprint.js';
import { WorldError } from './error.js';
import { FAMILIES } from './families/index.js';
import { belongsTo, type Split } from './splits.js';
import { drawTask, type Task } from './task.js';

/** The tasks of one seed. */
export interface TaskSource {
  /** Returns the first `n` tasks of a split, of all its families in turns or of only one. */
  tasks(split: Split, n: number, only?: string): Task[];
  /** Returns the task with this id. */
  findTask(id: string): Task;
}

/** Creates the tasks of a world. Each is drawn anew when it is requested. */
export function createTaskSource(
  seed: number,
  splits: Readonly<Record<Split, readonly Family[]>>,
): TaskSource {
  const isSplit = (name: string): name is Split => Object.hasOwn(splits, name);

  function drawFor(split: Split, family: Family, index: number): Task {
    const id = `${split}/${family.name}/${index}`;
    for (let attempt = 0; ; attempt++) {
      const drawn = drawTask(createRandom(seed, 'task', split, family.name, index, attempt), family, id);
      if (belongsTo(split, drawn.prompt)) return drawn;
    }
  }

  return {
    tasks(split, n, only) {
      const members = (isSplit(split) ? splits[split] : []).filter(
        ({ name }) => only === undefined || name === only,
      );
      if (members.length === 0) throw unknown(only ?? split);
      if (!Number.isSafeInteger(n) || n < 0) {
        throw new WorldError('bad-option', `the number of records is ${n}`, 'give a whole number');
      }
      return takeTurns(members, n).map(([family, index]) => drawFor(split, family, index));
    },
    findTask(id) {
      const [split = '', name, index = ''] = id.split('/');
      const family = FAMILIES.find((each) => each.name === name);
      if (!isSplit(split) || family === undefined || !/^\d{1,9}$/.test(index)) throw unknown(id);
      return drawFor(split, family, Number(index));
    },
  };
}

/** Goes through the items again and again, `n` times in all; each comes with the number of its round. */
export function takeTurns<T>(items: readonly T[], n: number): [T, number][] {
  const rounds = Array.from({ length: Math.ceil(n / items.length) }, (_, round) => round);
  return rounds.flatMap((round) => items.map((item): [T, number] => [item, round])).slice(0, n);
}

function unknown(name: string): WorldError {
  return new WorldError(
    'unknown-task',
    `the world has no split, family or task ${quote(name)}`,
    'use a name that createWorld lists, or an id of one of its records',
  );
}
