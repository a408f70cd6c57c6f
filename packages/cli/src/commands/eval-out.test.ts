import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { gram, judgeWorkshop } from '../__fixtures__/run.js';

let shop: Awaited<ReturnType<typeof judgeWorkshop>>;

beforeAll(async () => {
  shop = await judgeWorkshop();
});
afterAll(() => shop.remove());

const kinds = [
  { kind: 'pairs', flags: [] },
  { kind: 'attacks', flags: ['--attack', 'prompt again'] },
];

describe.each(kinds)('gram eval --out with $kind', ({ flags }) => {
  const evaluate = (out: string, onStderr?: (text: string) => void) => {
    const argv = ['eval', '--model', shop.path('out/model'), '--data', shop.path('pairs.jsonl')];
    return gram([...argv, ...flags, '--out', out, '--json'], { onStderr });
  };

  it('refuses at once what cannot be written', async () => {
    mkdirSync(shop.path('taken.jsonl'), { recursive: true });
    for (const name of ['none/results.jsonl', 'taken.jsonl', 'pairs.jsonl/x.jsonl']) {
      const { status, stdout, stderr } = await evaluate(shop.path(name));
      expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
      expect(stderr).toContain(name);
      // Nothing was computed: there is no line of progress.
      expect(stderr).not.toMatch(/\d+\/\d+/);
    }
  });

  it('prints what was computed although the file cannot be written any more', async () => {
    const folder = shop.path('gone');
    mkdirSync(folder);
    const removed = (text: string) => {
      if (/\d+\/\d+/.test(text)) rmSync(folder, { recursive: true, force: true });
    };
    const { status, stdout, stderr } = await evaluate(join(folder, 'results.jsonl'), removed);
    expect(status).toBe(1);
    expect(stderr).toMatch(/results\.jsonl.*\(ENOENT\)/);
    expect(JSON.parse(stdout)).toMatchObject(
      flags.length === 0 ? { pairs: 40 } : { attacks: [{ pairs: 40 }] },
    );
  });

  it('leaves the results and nothing else', async () => {
    const folder = shop.path(`whole-${flags.length}`);
    mkdirSync(folder);
    expect(await evaluate(join(folder, 'r.jsonl'))).toMatchObject({ status: 0 });
    expect(readdirSync(folder)).toEqual(flags.length === 0 ? ['r.jsonl'] : ['r.html', 'r.jsonl']);
  });
});
