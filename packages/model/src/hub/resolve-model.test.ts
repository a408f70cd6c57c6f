import { readdir, readFile, readlink, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { blobOf } from './__fixtures__/fake-hub.js';
import {
  COMMIT,
  expectContent,
  indexOf,
  model,
  needed,
  OTHER,
  text,
  useTestHub,
  weights,
} from './__fixtures__/test-hub.js';
import { cacheFolder } from './hub-client.js';
import { resolveModel } from './resolve-model.js';

const TOKEN = 'a token of another hub';
const test = useTestHub();

describe('a path', () => {
  it('is returned as it is, without asking anybody', async () => {
    await test.hub.stop();
    expect(await resolveModel('./owner/name')).toBe('./owner/name');
    expect(await resolveModel(test.hub.root)).toBe(test.hub.root);
    expect(await resolveModel('models')).toBe('models');
  });
});

describe('a model of the hub', () => {
  it('arrives byte for byte in the layout of the Python library, with what a model needs and nothing else', async () => {
    test.hub.serve(model);
    const dir = await resolveModel('owner/name');
    expect(dir).toBe(test.hub.snapshot());
    await expectContent(dir, model, needed);
    expect((await test.hub.blobs()).sort()).toEqual(needed.map((name) => blobOf(model[name]!)).sort());
    expect(await readlink(join(dir, 'config.json'))).toBe(`../../blobs/${blobOf(model['config.json']!)}`);
    expect(await readFile(join(test.hub.storageFolder, 'refs', 'main'), 'utf8')).toBe(COMMIT);
  });

  it('is not fetched a second time', async () => {
    test.hub.serve(model);
    await resolveModel('owner/name');
    test.hub.contents.length = 0;
    expect(await resolveModel('owner/name')).toBe(test.hub.snapshot());
    expect(test.hub.contents).toEqual([]);
  });

  it('comes at the revision that was asked for, with what revisions share fetched once', async () => {
    const changed = { ...model, 'config.json': text('{"model_type":"llama","changed":true}') };
    test.hub.repos['owner/name'] = {
      commits: { [COMMIT]: model, [OTHER]: changed },
      refs: { main: COMMIT, 'refs/pr/1': OTHER },
    };
    expect(await resolveModel(`owner/name@${COMMIT}`)).toBe(test.hub.snapshot());
    await expect(stat(join(test.hub.storageFolder, 'refs'))).rejects.toThrow();
    test.hub.contents.length = 0;
    const dir = await resolveModel('owner/name@refs/pr/1');
    expect(dir).toBe(test.hub.snapshot(OTHER));
    await expectContent(dir, changed, needed);
    expect(test.hub.contents).toEqual(['config.json']);
    expect(await readFile(join(test.hub.storageFolder, 'refs', 'refs', 'pr', '1'), 'utf8')).toBe(OTHER);
  });

  it('may have its weights in shards, of which those of the index are fetched', async () => {
    const files = {
      'config.json': text('{}'),
      'model.safetensors.index.json': indexOf('model-1-of-2.safetensors', 'model-2-of-2.safetensors'),
      'model-1-of-2.safetensors': weights(1000, 1),
      'model-2-of-2.safetensors': weights(900, 2),
      'consolidated.safetensors': weights(5000, 3),
    };
    test.hub.serve(files);
    const progress: [number, number][] = [];
    const dir = await resolveModel('owner/name', { onProgress: (...at) => progress.push(at) });
    const { 'consolidated.safetensors': _, ...fetched } = files;
    await expectContent(dir, files, Object.keys(fetched));
    const total = Object.values(fetched).reduce((sum, { bytes }) => sum + bytes.length, 0);
    expect(progress.at(-1)).toEqual([total, total]);
    expect(new Set(progress.map(([, all]) => all))).toEqual(new Set([total]));
  });

  it('may be an adapter or one GGUF file', async () => {
    const adapter = { 'adapter_config.json': text('{}'), 'adapter_model.safetensors': weights(500) };
    test.hub.serve({ ...adapter, 'model.gguf': weights(700), 'adapter_model.bin': weights(10) });
    await expectContent(await resolveModel('owner/name'), adapter, Object.keys(adapter));
    const path = await resolveModel('owner/name/model.gguf');
    expect(path).toBe(join(test.hub.snapshot(), 'model.gguf'));
    expect((await stat(path)).size).toBe(700);
    await expect(resolveModel('owner/name/none.gguf')).rejects.toMatchObject({
      code: 'file-missing',
    });
  });

  it('tells its progress', async () => {
    test.hub.serve(model);
    const progress: [number, number][] = [];
    await resolveModel('owner/name', { onProgress: (...at) => progress.push(at) });
    const total = needed.reduce((sum, name) => sum + model[name]!.bytes.length, 0);
    expect(progress[0]).toEqual([0, total]);
    expect(progress.at(-1)).toEqual([total, total]);
    expect(progress.length).toBeGreaterThan(needed.length);
    for (const [i, [done]] of progress.entries())
      expect(done).toBeGreaterThanOrEqual(progress[i - 1]?.[0] ?? 0);
  });

  it('streams: a file is never whole in memory', async () => {
    const chunk = weights(1 << 20).bytes;
    test.hub.serve({
      'config.json': text('{}'),
      'model.safetensors': { bytes: chunk, repeat: 300, lfs: true },
    });
    const used = () => process.memoryUsage().arrayBuffers + process.memoryUsage().heapUsed;
    const before = used();
    let peak = 0;
    const dir = await resolveModel('owner/name', {
      onProgress: () => {
        peak = Math.max(peak, used() - before);
      },
    });
    expect((await stat(join(dir, 'model.safetensors'))).size).toBe(300 << 20);
    expect(peak).toBeLessThan(100 << 20);
  });
});

describe('access', () => {
  it('to a private model takes the token, which goes to the hub alone', async () => {
    test.hub.serve(model, { token: TOKEN });
    await expect(resolveModel('owner/name')).rejects.toMatchObject({
      code: 'read-failed',
      message: expect.stringContaining('without a token (401)'),
      hint: expect.stringContaining('HF_TOKEN'),
    });
    vi.stubEnv('HF_TOKEN', 'wrong');
    await expect(resolveModel('owner/name')).rejects.toMatchObject({
      message: expect.stringContaining('the token in HF_TOKEN (401)'),
    });
    vi.stubEnv('HF_TOKEN', `${TOKEN}\n`);
    await expectContent(await resolveModel('owner/name'), model, needed);
    expect(test.hub.storageTokens).toEqual([undefined]);
  });

  it('to a gated model takes its license', async () => {
    test.hub.serve(model, { token: TOKEN, gated: true });
    await expect(resolveModel('owner/name')).rejects.toMatchObject({
      code: 'read-failed',
      message: expect.stringContaining('is gated'),
      hint: expect.stringContaining('accept its license'),
    });
    await expect(stat(join(test.hub.storageFolder, 'refs'))).rejects.toThrow();
  });

  it('says which of model and revision is missing', async () => {
    test.hub.serve(model);
    await expect(resolveModel('owner/none')).rejects.toMatchObject({
      code: 'file-missing',
      message: 'neither a directory nor a model of the hub is called owner/none',
    });
    await expect(resolveModel('owner/name@v9')).rejects.toMatchObject({
      code: 'file-missing',
      message: 'owner/name has no revision "v9"',
    });
  });
});

describe('settings and weights', () => {
  it('finds the cache where the Python library does', async () => {
    vi.stubEnv('HF_HUB_CACHE', undefined);
    vi.stubEnv('HUGGINGFACE_HUB_CACHE', undefined);
    vi.stubEnv('HF_HOME', '/home-of-hf');
    expect(await cacheFolder({ kind: 'model', repo: 'owner/name' })).toBe(
      '/home-of-hf/hub/models--owner--name',
    );
    vi.stubEnv('HF_HOME', '~/hf');
    expect(await cacheFolder({ kind: 'model', repo: 'owner/name' })).toBe(
      join(homedir(), 'hf/hub/models--owner--name'),
    );
    vi.stubEnv('HF_HOME', undefined);
    vi.stubEnv('XDG_CACHE_HOME', undefined);
    expect(await cacheFolder({ kind: 'model', repo: 'o/n' })).toBe(
      join(homedir(), '.cache/huggingface/hub/models--o--n'),
    );
  });

  it('refuses an HF_ENDPOINT that is no address', async () => {
    vi.stubEnv('HF_ENDPOINT', 'mirror');
    await expect(resolveModel('owner/name')).rejects.toMatchObject({ code: 'bad-request' });
  });

  it('never reads pickled weights, and says which file to ask for', async () => {
    const config = { 'config.json': text('{}') };
    test.hub.serve({ ...config, 'pytorch_model.bin': weights(10) });
    await expect(resolveModel('owner/name')).rejects.toMatchObject({
      code: 'file-missing',
      message: expect.stringContaining('pickled weights, which are never read'),
    });
    test.hub.serve({ ...config, 'q4.gguf': weights(10) });
    await expect(resolveModel('owner/name')).rejects.toMatchObject({
      code: 'file-missing',
      hint: 'ask for one of its GGUF files: owner/name/q4.gguf',
    });
    expect(test.hub.contents).toEqual([]);
    expect(await readdir(test.hub.root)).toEqual([]);
  });
});
