import { mkdtemp, open, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { createAppender } from './append-file.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gram-append-'));
});
afterEach(() => rm(folder, { recursive: true }));

it('writes the next piece over one that a full disk cut off', async () => {
  const path = join(folder, 'log');
  const handle = await open(path, 'w');
  // A disk that takes two bytes a call and is full for a while.
  const disk = { room: 5 };
  const write = async (piece: Uint8Array, offset: number, length: number, position: number) => {
    if (disk.room === 0) throw new Error('ENOSPC: no space left on device');
    const taken = Math.min(2, length, disk.room);
    disk.room -= taken;
    return handle.write(piece, offset, taken, position);
  };
  const full = new Proxy(handle, {
    get(target, name) {
      if (name === 'write') return write;
      const value: unknown = Reflect.get(target, name);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
  const file = createAppender(path, full, 0);
  await file.append(Buffer.from('one\n'));
  await expect(file.append(Buffer.from('a long second\n'))).rejects.toMatchObject({
    code: 'write-failed',
    message: expect.stringContaining('ENOSPC'),
  });
  disk.room = 100;
  await file.append(Buffer.from('3\n'));
  await file.close();
  expect(await readFile(path, 'utf8')).toBe('one\n3\n');
});
