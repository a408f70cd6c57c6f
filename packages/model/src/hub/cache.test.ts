import { spawnSync } from 'node:child_process';
import { lstat, mkdtemp, readdir, readFile, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { processTag } from '@gram/base';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { FakeHub } from './__fixtures__/fake-hub.js';
import { readRef, writeRef } from './cache.js';
import { resolveModel } from './resolve-model.js';

// A disk that refuses: it gets full, or knows no links.
const disk = vi.hoisted(() => ({ full: false, links: true }));

vi.mock('node:fs/promises', async (importOriginal) => {
  const original = await importOriginal<typeof import('node:fs/promises')>();
  const refusal = (code: string, syscall: string) => Object.assign(new Error(code), { code, syscall });
  return {
    ...original,
    open: async (...args: Parameters<typeof original.open>) => {
      const handle = await original.open(...args);
      if (disk.full) handle.write = () => Promise.reject(refusal('ENOSPC', 'write'));
      return handle;
    },
    symlink: async (...args: Parameters<typeof original.symlink>) => {
      if (!disk.links) throw refusal('EPERM', 'symlink');
      return original.symlink(...args);
    },
  };
});

const COMMIT = 'c'.repeat(40);

let root: string;
let hub: FakeHub;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'gram-hub-'));
  hub = new FakeHub();
  await hub.start();
  vi.stubEnv('HF_ENDPOINT', hub.url);
  vi.stubEnv('HF_HUB_CACHE', root);
  const file = (text: string) => ({ bytes: Buffer.from(text) });
  const files = { 'config.json': file('{}'), 'model.safetensors': file('weights') };
  hub.repos['owner/name'] = { commits: { [COMMIT]: files }, refs: { main: COMMIT } };
});
afterEach(async () => {
  Object.assign(disk, { full: false, links: true });
  vi.unstubAllEnvs();
  await hub.stop();
  await rm(root, { recursive: true });
});

describe('the cache', () => {
  it('says that the disk is full, without another attempt, and leaves nothing', async () => {
    disk.full = true;
    await expect(resolveModel('owner/name')).rejects.toMatchObject({
      code: 'write-failed',
      message: expect.stringContaining('(ENOSPC)'),
      hint: expect.stringContaining('space'),
    });
    expect(hub.contents).toEqual(['config.json']);
    expect(await readdir(join(root, 'models--owner--name', 'blobs'))).toEqual([]);
  });

  it('holds copies where links are not allowed', async () => {
    disk.links = false;
    const dir = await resolveModel('owner/name');
    expect((await readdir(dir)).sort()).toEqual(['config.json', 'model.safetensors']);
    expect((await lstat(join(dir, 'model.safetensors'))).isFile()).toBe(true);
    expect(await readFile(join(dir, 'model.safetensors'), 'utf8')).toBe('weights');
    hub.contents.length = 0;
    await resolveModel('owner/name');
    expect(hub.contents).toEqual([]);
  });

  it('keeps nothing that a process left which was killed while it linked a file', async () => {
    const dir = await resolveModel('owner/name');
    const { pid } = spawnSync(process.execPath, ['-e', '0']);
    const tag = processTag().replace(`-${process.pid}-`, `-${pid}-`);
    await symlink('../../blobs/none', join(dir, `config.json.${tag}.0.gram-tmp`));
    await rm(join(dir, 'config.json'));
    await resolveModel('owner/name');
    expect((await readdir(dir)).sort()).toEqual(['config.json', 'model.safetensors']);
  });

  it('reads the commit of a branch, and nothing else', async () => {
    expect(await readRef(root, 'main')).toBeUndefined();
    expect(await readRef(root, COMMIT)).toBe(COMMIT);
    await writeRef(root, 'main', COMMIT);
    expect(await readRef(root, 'main')).toBe(COMMIT);
    for (const wrong of [`../${'x'.repeat(37)}`, `${COMMIT}${COMMIT}`, '']) {
      await writeRef(root, 'main', wrong);
      expect(await readRef(root, 'main')).toBeUndefined();
    }
    await writeRef(root, 'refs/pr/1', COMMIT);
    expect(await readRef(root, 'refs')).toBeUndefined();
  });
});
