import { writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { gram, judgeWorkshop } from '../__fixtures__/run.js';

let shop: Awaited<ReturnType<typeof judgeWorkshop>>;

beforeAll(async () => {
  shop = await judgeWorkshop();
});
afterAll(() => shop.remove());

const question = ['--prompt', 'Add 2 and 3.', '--a', 'it is 5', '--b', 'six'];
const score = (...flags: string[]) =>
  gram(['score', '--model', shop.path('out/model'), ...question, ...flags]);
const evaluate = (...flags: string[]) =>
  gram(['eval', '--model', shop.path('out/model'), '--data', shop.path('pairs.jsonl'), ...flags]);
const json = async (run: ReturnType<typeof gram>) => {
  const { status, stdout, stderr } = await run;
  expect(status, stderr).toBe(0);
  return JSON.parse(stdout);
};

describe('--orders', () => {
  it('shows a first only', async () => {
    const both = await json(score('--json'));
    const one = await json(score('--orders', '1', '--json'));
    expect(one.orders).toBeUndefined();
    expect(one.probability).toBeCloseTo(both.orders[0], 6);
    expect(await json(score('--orders', '2', '--json'))).toEqual(both);
    expect((await score('--orders', '1')).stdout).toMatch(/one only +0\.\d+/);
  });

  it('does not speak of consistency then', async () => {
    const { stdout, stderr } = await evaluate('--orders', '1');
    expect(stdout, stderr).toContain('not measured: judged in one order');
    const { order } = await json(evaluate('--orders', '1', '--json'));
    expect(order).toEqual({ inBothOrders: 0, consistency: null, bias: null, absoluteBias: null });
  });

  it('is part of what a benchmark measures', async () => {
    const argv = ['--benchmark', 'llmbar', '--data', shop.path('natural.json'), '--out', shop.path('bench')];
    const items = [{ input: 'Add 2 and 3.', output_1: '5', output_2: 'six', label: 1 }];
    writeFileSync(shop.path('natural.json'), JSON.stringify(items));
    const run = (...flags: string[]) => gram(['eval', '--model', shop.path('out/model'), ...argv, ...flags]);
    expect(await run()).toMatchObject({ status: 0 });
    const other = await run('--orders', '1');
    expect(other.status).toBe(1);
    expect(other.stderr).toMatch(/a run that differs in: orders/);
    expect((await run('--position-bias-bound', '0.5')).stderr).toMatch(/a run that differs in: orders/);
  });
});

describe('--position-bias-bound', () => {
  it('judges the second order where the first is close to a tie', async () => {
    const all = await json(evaluate('--json'));
    expect(all.order.inBothOrders).toBe(40);
    expect(await json(evaluate('--position-bias-bound', '1', '--json'))).toMatchObject({
      accuracy: all.accuracy,
      order: all.order,
    });
    const few = await json(evaluate('--position-bias-bound', '0.001', '--json'));
    expect(few.order.inBothOrders).toBeLessThan(20);
  });
});

describe('--device', () => {
  it('computes there', async () => {
    const plain = await json(score('--json'));
    expect((await json(score('--device', 'cpu', '--json'))).probability).toBe(plain.probability);
    expect((await json(score('--device', 'auto', '--json'))).probability).toBeCloseTo(plain.probability, 4);
  });
});

it.each([
  ['orders that there are not', ['--orders', '3'], 2, /--orders cannot be "3"/],
  [
    'a bound of what is not judged',
    ['--orders', '1', '--position-bias-bound', '0.2'],
    2,
    /second of two orders/,
  ],
  ['a bound above 1', ['--position-bias-bound', '1.5'], 2, /give a number from 0 to 1/],
  ['a bound below 0', ['--position-bias-bound', '-0.5'], 2, /--position-bias-bound/],
  ['an unknown device', ['--device', 'gpu'], 2, /--device cannot be "gpu"; .*webgpu/],
] as const)('refuses %s in one line', async (_what, flags, wanted, message) => {
  const { status, stdout, stderr } = await score(...flags);
  expect({ status, stdout }).toEqual({ status: wanted, stdout: '' });
  expect(stderr).toMatch(/^gram: [^\n]*\n$/);
  expect(stderr).toMatch(message);
});
