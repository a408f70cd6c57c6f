import { readFileSync } from 'node:fs';
import { int8Kernel } from '@gram/engine';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { gram, workshop } from '../__fixtures__/run.js';

let shop: Awaited<ReturnType<typeof workshop>>;
let model: string;
let data: string;

beforeAll(async () => {
  shop = await workshop();
  // Four bits need inputs that come in blocks of 32, and the feed-forward layer of the workshop has 48.
  const wide = ['--set', 'init.scratch.intermediateSize=64'];
  const { status, stderr } = await gram(['finetune', '--config', shop.path('config.yaml'), ...wide]);
  expect(status, stderr).toBe(0);
  model = shop.path('out/model');
  data = shop.path('pairs.jsonl');
});
afterAll(() => shop.remove());

describe('--precision', () => {
  it.each(['tf32', 'bfloat16', 'float16'])(
    'refuses %s where the device does not multiply so',
    async (wanted) => {
      const pairs = ['--model', model, '--data', data, '--precision', wanted];
      const { status, stderr } = await gram(['eval', ...pairs]);
      expect(status).toBe(1);
      expect(stderr).toMatch(new RegExp(`the device 'cpu' has no matrix products in ${wanted}`));
    },
  );

  it.each(['int8', 'int4'])('compares %s with float32', async (precision) => {
    const argv = (wanted: string, out: string) => [
      'eval',
      '--model',
      model,
      '--data',
      data,
      '--precision',
      wanted,
      '--out',
      shop.path(out),
    ];
    const rounded = await gram([...argv(precision, 'rounded.jsonl'), '--json']);
    expect(rounded.status, rounded.stderr).toBe(0);
    const { flips, ...summary } = JSON.parse(rounded.stdout);
    const plain = await gram([...argv('float32', 'plain.jsonl'), '--json']);
    const reference = JSON.parse(plain.stdout);
    expect(reference).not.toHaveProperty('flips');

    const lines = ['plain.jsonl', 'rounded.jsonl'].map((name) =>
      readFileSync(shop.path(name), 'utf8')
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line).score_chosen as number),
    ) as [number[], number[]];
    const changes = lines[0].map((score, index) => Math.abs(score - lines[1][index]!));
    const flipped = lines[0].filter(
      (score, index) => Math.sign(score - 0.5) !== Math.sign(lines[1][index]! - 0.5),
    );
    expect(flips).toMatchObject({ pairs: 40, count: flipped.length, share: flipped.length / 40 });
    expect(flips.largestChange).toBeGreaterThan(0);
    expect(flips.largestChange).toBeCloseTo(Math.max(...changes), 5);
    expect(flips.interval[0]).toBeLessThanOrEqual(flips.share);
    expect(flips.interval[1]).toBeGreaterThanOrEqual(flips.share);
    expect(flips.precisions).toMatchObject([
      { precision, accuracy: summary.accuracy },
      { precision: 'float32', accuracy: reference.accuracy },
    ]);
    expect(flips.int8Kernel).toBe(precision === 'int8' ? int8Kernel() : undefined);
    const [small, large] = flips.precisions;
    expect(small.weightBytes).toBeLessThan(large.weightBytes);
    expect(Math.min(small.pairsPerSecond, large.pairsPerSecond)).toBeGreaterThan(0);
  });

  it('says as text how often the preference flips, how fast both are and how large', async () => {
    const argv = ['eval', '--model', model, '--data', data, '--limit', '5', '--precision', 'int8'];
    const { status, stdout, stderr } = await gram(argv);
    expect(status, stderr).toBe(0);
    expect(stdout).toMatch(/^int8 +[\d.]+ % +[\d.]+ +[\d.]+ MB$/m);
    expect(stdout).toMatch(/^float32 +[\d.]+ % +[\d.]+ +[\d.]+ MB$/m);
    expect(stdout).toMatch(/^flips +\d of 5 preferences, [\d.]+ % \(95 % interval [\d.]+ % to [\d.]+ %\)$/m);
    expect(stdout).toMatch(/^near ties +\d of these flips/m);
    expect(stdout).toMatch(/^probability +0\.\d{4} mean change, 0\.\d{4} at most$/m);
    expect(stdout).toMatch(new RegExp(`^integers +${int8Kernel()} weights, exact on this processor$`, 'm'));
  });

  it('changes what gram score and gram rank say a little', async () => {
    const pair = ['--prompt', 'Add 2 and 3.', '--a', '5', '--b', 'six', '--json'];
    const probabilities = await Promise.all(
      [[], ['--precision', 'int8']].map(async (flags) => {
        const { status, stdout, stderr } = await gram(['score', '--model', model, ...pair, ...flags]);
        expect(status, stderr).toBe(0);
        return JSON.parse(stdout).probability as number;
      }),
    );
    const change = Math.abs(probabilities[0]! - probabilities[1]!);
    expect(change).toBeGreaterThan(0);
    expect(change).toBeLessThan(0.05);
    const responses = ['5', 'six', '7'].flatMap((response) => ['--response', response]);
    const ranked = await gram([
      'rank',
      '--model',
      model,
      '--prompt',
      'x',
      ...responses,
      '--precision',
      'int8',
    ]);
    expect(ranked.status, ranked.stderr).toBe(0);
  });
});
