import { appendFile, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';

/** Stages that find what an earlier try has left. */
export const resumable = ['counted'];

/** A study of sums. Each stage says that it ran, so that a test can count. */
export const stages = {
  async number({ inputs: { value, log }, directory }) {
    await appendFile(log, `number ${value}\n`);
    await writeFile(join(directory, 'value.txt'), String(value));
    return { value };
  },
  async sum({ inputs: { log, wait = 0 }, needs: { a, b } }) {
    await setTimeout(wait);
    await appendFile(log, 'sum\n');
    const fromFile = Number(await readFile(join(a.directory, 'value.txt'), 'utf8'));
    return { value: fromFile + b.result.value };
  },
  async broken() {
    throw new Error('no such luck');
  },
  /** Fails at its first try, where its directory is empty. */
  async counted({ directory }) {
    const [left] = await readdir(directory);
    if (left !== undefined) return { left };
    await writeFile(join(directory, 'half.txt'), '');
    throw new Error('stopped half way');
  },
  async crash() {
    process.exit(3);
  },
};
