import { rankStrategies } from '@gram/reward';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { gram, judgeWorkshop } from '../__fixtures__/run.js';

let shop: Awaited<ReturnType<typeof judgeWorkshop>>;

beforeAll(async () => {
  shop = await judgeWorkshop();
});
afterAll(() => shop.remove());

describe('gram rank --strategy', () => {
  const responses = ['5', 'five', '6', 'six', '7', 'no'].flatMap((each) => ['--response', each]);
  const rank = (...flags: string[]) =>
    gram(['rank', '--model', shop.path('out/model'), '--prompt', 'Add 2 and 3.', ...responses, ...flags]);

  it.each([
    ['round-robin', 15, 1],
    ['bradley-terry', 15, 1],
    ['linear-scan', 5, 5],
    ['knockout', 5, 3],
  ])('%s makes %d comparisons in %d rounds', async (strategy, comparisons, rounds) => {
    const { status, stdout, stderr } = await rank('--strategy', strategy, '--json');
    expect(status, stderr).toBe(0);
    const result = JSON.parse(stdout);
    expect(result).toMatchObject({ strategy, comparisons, rounds });
    expect(result.ranking.map((row: { rank: number }) => row.rank)).toEqual([1, 2, 3, 4, 5, 6]);
  });

  it('is auto where it is not given', async () => {
    const [told, untold] = [await rank('--strategy', 'auto', '--json'), await rank('--json')];
    expect(told.stdout).toBe(untold.stdout);
    expect(JSON.parse(untold.stdout)).toMatchObject({ strategy: 'round-robin', comparisons: 15 });
  });

  it('refuses a name that it does not know in one line', async () => {
    const { status, stdout, stderr } = await rank('--strategy', 'merge');
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toMatch(/^gram: --strategy cannot be "merge"; [^\n]*merge-sort[^\n]*\n$/);
  });

  it('lists the names in the help', async () => {
    const { stdout } = await gram(['rank', '--help']);
    for (const name of ['auto', ...rankStrategies]) expect(stdout).toContain(name);
  });
});
