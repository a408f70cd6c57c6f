import type { ChildProcess } from 'node:child_process';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import { createRandom } from '@gram/base';
import { writeJsonl } from '@gram/data';
import { createWorld } from '@gram/world';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { built, ended, startGram } from '../__fixtures__/child.js';
import { judgeWorkshop } from '../__fixtures__/run.js';

const KILLS = 8;

let shop: Awaited<ReturnType<typeof judgeWorkshop>>;
beforeAll(async () => {
  shop = await judgeWorkshop();
  const pairs = createWorld({ seed: 8 }).testPairs('in-distribution', 3000);
  await writeJsonl(
    shop.path('bench.jsonl'),
    pairs.map(({ prompt, chosen, rejected }, id) => ({ id, subset: 'hep-go', prompt, chosen, rejected })),
  );
});
afterAll(() => shop.remove());

function start(out: string): ChildProcess {
  const model = ['--model', shop.path('out/model')];
  const benchmark = ['--benchmark', 'reward-bench', '--data', shop.path('bench.jsonl')];
  const argv = ['eval', ...model, ...benchmark, '--out', shop.path(out)];
  return startGram(argv);
}

function size(out: string): number {
  const path = shop.path(`${out}/items.jsonl`);
  return existsSync(path) ? statSync(path).size : 0;
}

it.skipIf(!built)(
  'a benchmark that is killed again and again ends with the bytes of one run',
  { timeout: 300_000 },
  async () => {
    expect(await ended(start('straight'))).toBe('done');
    const random = createRandom(4, 'kill');
    let kills = 0;
    for (; kills < KILLS; kills++) {
      const child = start('killed');
      const end = ended(child);
      // Sometimes anywhere, mostly around the moment when results are written.
      if (random.uniform() < 0.2) await wait(random.integer(1500));
      else {
        const before = size('killed');
        while (size('killed') <= before && child.exitCode === null) await wait(1);
        await wait(random.integer(20));
      }
      child.kill('SIGKILL');
      if ((await end) === 'done') break;
    }
    expect(kills).toBeGreaterThan(5);
    expect(await ended(start('killed'))).toBe('done');
    for (const name of ['items.jsonl', 'summary.json', 'report.html']) {
      const [straight, killed] = ['straight', 'killed'].map((out) =>
        readFileSync(shop.path(`${out}/${name}`)),
      );
      expect(killed!.equals(straight!), name).toBe(true);
    }
  },
);
