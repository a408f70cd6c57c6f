import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import { createRandom } from '@gram/base';
import { latestCheckpoint } from '@gram/run';
import { adamW, loadCheckpoint } from '@gram/train';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { built, ended, startGram } from '../__fixtures__/child.js';
import { workshop } from '../__fixtures__/run.js';

/** The reliability suite counts hundreds. */
const KILLS = 8;

let shop: Awaited<ReturnType<typeof workshop>>;
beforeAll(async () => {
  shop = await workshop();
});
afterAll(() => shop.remove());

function start(output: string): ChildProcess {
  const sets = [`output=${shop.path(output)}`, 'optimizer.epochs=10', 'checkpointEvery=1'];
  const argv = [
    'finetune',
    '--config',
    shop.path('config.yaml'),
    '--resume',
    ...sets.flatMap((set) => ['--set', set]),
  ];
  return startGram(argv);
}

/** Number of the newest checkpoint. */
function newest(output: string): number {
  const path = shop.path(output);
  const names = existsSync(path) ? readdirSync(path) : [];
  return Math.max(
    0,
    ...names.filter((name) => /^checkpoint-\d{7}$/.test(name)).map((name) => Number(name.slice(11))),
  );
}

it.skipIf(!built)(
  'a run that is killed again and again always goes on from a whole checkpoint, to the same bytes',
  { timeout: 300_000 },
  async () => {
    expect(await ended(start('straight'))).toBe('done');
    const random = createRandom(3, 'kill');
    const output = 'killed';
    let kills = 0;
    while (kills < KILLS) {
      const child = start(output);
      const end = ended(child);
      if (random.uniform() < 0.2) {
        // At any moment from the start of the process on.
        await wait(random.integer(1500));
      } else {
        // Some checkpoints later, in the middle of whatever it does then.
        const target = newest(output) + 1 + random.integer(3);
        while (newest(output) < target && child.exitCode === null) await wait(2);
        await wait(random.integer(25));
      }
      child.kill('SIGKILL');
      if ((await end) === 'done') break;
      kills++;
      const checkpoint = await latestCheckpoint(shop.path(output));
      if (checkpoint === undefined) continue;
      const { step, model, moments } = await loadCheckpoint(checkpoint, adamW());
      expect(step).toBe(newest(output));
      for (const { data } of [...Object.values(model.weights), ...Object.values(moments.v!)]) {
        expect(data.every(Number.isFinite)).toBe(true);
      }
    }
    expect(kills).toBe(KILLS);
    expect(await ended(start(output))).toBe('done');
    for (const file of ['model/model.safetensors', 'metrics.jsonl']) {
      const [straight, killed] = ['straight', output].map((run) => readFileSync(shop.path(`${run}/${file}`)));
      expect(killed!.equals(straight!), file).toBe(true);
    }
  },
);

it.skipIf(!built).each(['SIGINT', 'SIGTERM', 'SIGHUP', 'a pipe that nobody reads'] as const)(
  'a run that is stopped by %s saves its last whole step, and the same command goes on',
  { timeout: 240_000 },
  async (cause) => {
    const output = `stopped-${cause.replaceAll(' ', '-')}`;
    const child = start(output);
    while (newest(output) === 0 && child.exitCode === null) await wait(5);
    const exit = once(child, 'exit');
    // A terminal that was closed takes no more text either.
    if (cause !== 'SIGINT' && cause !== 'SIGTERM') child.stderr!.destroy();
    if (cause !== 'a pipe that nobody reads') child.kill(cause);
    const [code] = await exit;
    expect(code).toBe(130);
    const done = newest(output);
    expect(
      readdirSync(shop.path(output)).filter((name) => name.includes('lock') || name.includes('tmp')),
    ).toEqual([]);
    const lines = readFileSync(shop.path(`${output}/metrics.jsonl`), 'utf8')
      .trimEnd()
      .split('\n');
    expect(JSON.parse(lines.at(-1)!).step).toBe(done);
    const next = start(output);
    let said = '';
    next.stderr!.on('data', (text) => {
      said += text;
      if (said.includes('going on after step')) next.kill('SIGKILL');
    });
    await ended(next);
    expect(said).toContain(`going on after step ${done} `);
  },
);
