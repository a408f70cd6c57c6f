import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { crc32c } from './crc32c.js';
import { scalarsEvent, tfRecord } from './event.js';
import { createEventWriter } from './event-writer.js';

// A Python with tensorboard. Without the variable what needs it is skipped.
const python = process.env.GRAM_PYTHON;

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gram-events-'));
});
afterEach(() => rm(folder, { recursive: true }));

describe('an event', () => {
  it('is encoded as protocol buffers are', () => {
    // 09 and the double 2; 10 and the varint 300; 2a with the summary: 0a with the value: 0a with the tag, 15 and the float 0.5.
    expect(scalarsEvent(300, 2, { ab: 0.5 }).toString('hex')).toBe(
      '090000000000000040' + '10ac02' + '2a0b' + '0a09' + '0a026162' + '150000003f',
    );
  });

  it('holds steps beyond 32 bits', () => {
    expect(scalarsEvent(2 ** 53 - 1, 0, {}).toString('hex')).toContain('10ffffffffffffff0f');
  });
});

describe('createEventWriter', () => {
  it('writes whole records, named for time, host and process, and a new file for a resumed run', async () => {
    const writer = await createEventWriter(join(folder, 'tensorboard'));
    await Promise.all([
      writer.scalars(1, 10, { loss: 0.5 }),
      writer.scalars(2, 11, { loss: 0.25, rate: 1e-3 }),
    ]);
    const host = hostname().replace(/[^\w.-]/g, '_');
    expect(basename(writer.path)).toMatch(/^events\.out\.tfevents\.\d{10}\./);
    expect(basename(writer.path).endsWith(`.${host}.${process.pid}`)).toBe(true);
    // Before it is closed.
    expect(await recordsOf(writer.path)).toEqual([
      expect.objectContaining({ length: 24 }),
      scalarsEvent(1, 10, { loss: 0.5 }),
      scalarsEvent(2, 11, { loss: 0.25, rate: 1e-3 }),
    ]);
    await writer.close();
    await writer.close();
    await expect(writer.scalars(3, 12, {})).rejects.toMatchObject({ code: 'write-failed' });
    const next = await createEventWriter(join(folder, 'tensorboard'), 1);
    await next.close();
    expect((await readdir(join(folder, 'tensorboard'))).sort()).toEqual(
      [writer.path, next.path].map((path) => basename(path)),
    );
  });

  it('refuses a step that is none, and says what could not be written', async () => {
    const writer = await createEventWriter(folder);
    for (const step of [-1, 0.5, Number.NaN]) {
      await expect(writer.scalars(step, 0, {})).rejects.toMatchObject({ code: 'bad-metric' });
    }
    await expect(writer.scalars(1, Number.NaN, {})).rejects.toMatchObject({ code: 'bad-metric' });
    await writer.close();
    await writeFile(join(folder, 'file'), '');
    await expect(createEventWriter(join(folder, 'file'))).rejects.toMatchObject({ code: 'write-failed' });
  });
});

describe.skipIf(!python)('what is written, read by TensorBoard (GRAM_PYTHON)', () => {
  it('has the same steps, times and values, and a resumed run replaces what it does again', async () => {
    const first = await createEventWriter(folder);
    const values = [0.7, 0.6, Number.NaN, 1e30, 0.3];
    for (const [index, loss] of values.entries()) {
      await first.scalars(index + 1, 1_700_000_000.25 + index, { 'train/loss': loss, 'train/größe': index });
    }
    await first.close();
    const second = await createEventWriter(folder, 3);
    await second.scalars(4, 1_700_000_100, { 'train/loss': 0.5 });
    await second.scalars(2 ** 40, 1_700_000_101, { 'train/loss': 0.125 });
    await second.close();
    const script = fileURLToPath(new URL('./__fixtures__/read-events.py', import.meta.url));
    const { stdout } = await promisify(execFile)(python!, [script, folder]);
    const rounded = (value: number) => (Number.isNaN(value) ? 'nan' : Math.fround(value));
    expect(JSON.parse(stdout)).toEqual({
      'train/loss': [
        ...values.slice(0, 3).map((loss, index) => [1_700_000_000.25 + index, index + 1, rounded(loss)]),
        [1_700_000_100, 4, 0.5],
        [1_700_000_101, 2 ** 40, 0.125],
      ],
      'train/größe': [0, 1, 2].map((index) => [1_700_000_000.25 + index, index + 1, index]),
    });
  });
});

/** The data of each record of a file, whose sums are checked. */
async function recordsOf(path: string): Promise<Buffer[]> {
  const file = await readFile(path);
  const records: Buffer[] = [];
  for (let at = 0; at < file.length; ) {
    const length = Number(file.readBigUInt64LE(at));
    const data = file.subarray(at + 12, at + 12 + length);
    expect(unmasked(file.readUInt32LE(at + 8))).toBe(crc32c(file.subarray(at, at + 8)));
    expect(unmasked(file.readUInt32LE(at + 12 + length))).toBe(crc32c(data));
    expect(file.subarray(at, at + 16 + length)).toEqual(tfRecord(data));
    records.push(data);
    at += 16 + length;
  }
  return records;
}

/** The inverse of the mask, as tensorflow/core/lib/hash/crc32c.h has it. */
function unmasked(masked: number): number {
  const rotated = (masked - 0xa282ead8) >>> 0;
  return ((rotated >>> 17) | (rotated << 15)) >>> 0;
}
