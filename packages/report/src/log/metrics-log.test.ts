import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createMetricsLog } from './metrics-log.js';

let folder: string;
let path: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gram-metrics-'));
  path = join(folder, 'metrics.jsonl');
});
afterEach(() => rm(folder, { recursive: true }));

const read = () => readFile(path, 'utf8');
const record = (step: number) => ({ step, loss: 1 / step });
const line = (step: number, more = {}) => `${JSON.stringify({ ...record(step), ...more })}\n`;

describe('createMetricsLog', () => {
  it('appends a line at once, in the order of the calls', async () => {
    const log = await createMetricsLog(join(folder, 'new', 'metrics.jsonl'));
    path = join(folder, 'new', 'metrics.jsonl');
    expect(await read()).toBe('');
    await log.append(record(1));
    expect(await read()).toBe(line(1));
    await Promise.all([2, 3, 4].map((step) => log.append(record(step))));
    await log.append({ step: 5, loss: Number.NaN });
    expect(await read()).toBe(`${[1, 2, 3, 4].map((step) => line(step)).join('')}{"step":5,"loss":null}\n`);
    await log.close();
    await log.close();
    await expect(log.append(record(6))).rejects.toMatchObject({ code: 'write-failed' });
  });

  it('keeps the steps that are done, with what their lines say more, and drops later and broken ones', async () => {
    await writeFile(path, `${line(1, { tokensPerSecond: 9 }) + line(2) + line(3) + line(4)}{"step":5,"lo`);
    const log = await createMetricsLog(path, [record(1), record(2)]);
    expect(await read()).toBe(line(1, { tokensPerSecond: 9 }) + line(2));
    await log.append(record(3));
    await log.close();
    expect(await read()).toBe(line(1, { tokensPerSecond: 9 }) + line(2) + line(3));
    expect(await readdir(folder)).toEqual(['metrics.jsonl']);
  });

  it('fills what is missing, damaged or of another run from the checkpoint', async () => {
    await writeFile(
      path,
      `${line(1)}[]\n{"step":"2"}\nnull\n\0\0\0\n${line(3, { loss: 7 })}${line(4).trimEnd()}`,
    );
    const log = await createMetricsLog(path, [1, 2, 3, 4].map(record));
    await log.close();
    expect(await read()).toBe([1, 2, 3, 4].map((step) => line(step)).join(''));
  });

  it('leaves a file alone that is as it should be', async () => {
    await writeFile(path, line(1) + line(2));
    const { ino } = await stat(path);
    await (await createMetricsLog(path, [record(1), record(2)])).close();
    expect((await stat(path)).ino).toBe(ino);
  });

  it('refuses a step that was written, and says what could not be written', async () => {
    const log = await createMetricsLog(path, [record(7)]);
    for (const step of [7, 3, Number.NaN]) {
      await expect(log.append({ step })).rejects.toMatchObject({ code: 'bad-metric' });
    }
    await log.close();
    await expect(createMetricsLog(folder)).rejects.toMatchObject({ code: 'write-failed' });
  });
});
