import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { expectContent, indexOf, model, needed, text, useTestHub, weights } from './__fixtures__/test-hub.js';
import { resolveModel } from './resolve-model.js';

const test = useTestHub();

describe('a hostile hub', () => {
  it('cannot name files outside the folder, or have others than those of a model fetched', async () => {
    const names = [
      '../x.safetensors',
      '../../refs/config.json',
      '/etc/model.safetensors',
      'a\\b.safetensors',
      'C:\\x.safetensors',
      'sub/config.json',
      '.hidden.safetensors',
      'x\u0000.safetensors',
      'weights.bin',
      'CONFIG.JSON',
    ];
    test.hub.serve({ ...model, ...Object.fromEntries(names.map((name) => [name, text(name)])) });
    await expectContent(await resolveModel('owner/name'), model, needed);
    expect(await readdir(test.hub.root)).toEqual(['cache']);
    expect(await readdir(join(test.hub.root, 'cache'))).toEqual(['models--owner--name']);
  });

  it.each([
    { oid: '../../../../x' },
    { lfs: { oid: '../../../../x', size: 1 } },
    { xetHash: '/x' },
    { size: -1 },
    { size: '5' },
    { size: 1.5 },
  ])('cannot name blobs as it likes or list impossible sizes: %j', async (listed) => {
    test.hub.serve({ ...model, 'config.json': { ...text('{}'), listed } });
    await expect(resolveModel('owner/name')).rejects.toMatchObject({ code: 'bad-json' });
    expect(await readdir(test.hub.root)).toEqual([]);
  });

  it.each([{ sha: '../../x' }, { sha: 'main' }, {}, [], null, 'x'])(
    'cannot name the snapshot as it likes: %j',
    async (answer) => {
      test.hub.override = (_, response) => {
        response.end(JSON.stringify(answer));
        return true;
      };
      await expect(resolveModel('owner/name')).rejects.toMatchObject({ code: 'bad-json' });
    },
  );

  it('cannot pass a directory for a file', async () => {
    const { 'gram.json': gram, ...rest } = model;
    test.hub.serve({ ...rest, 'gram.json': { ...gram!, listed: { type: 'directory' } } });
    const names = needed.filter((name) => name !== 'gram.json');
    await expectContent(await resolveModel('owner/name'), model, names);
  });

  it('cannot lead the token to another address', async () => {
    test.hub.serve(model, { token: 'secret' });
    vi.stubEnv('HF_TOKEN', 'secret');
    test.hub.override = (url, response) => {
      if (!url.pathname.includes('/tree/')) return false;
      response.writeHead(200, { Link: `<${test.hub.storageUrl}/next>; rel="next"` }).end('[]');
      return true;
    };
    await expect(resolveModel('owner/name')).rejects.toMatchObject({ code: 'file-missing' });
    expect(test.hub.storageTokens).toEqual([undefined]);
  });

  it('cannot keep it busy with pages or fill memory and disk', async () => {
    test.hub.serve(model);
    test.hub.override = (url, response) => {
      if (!url.pathname.includes('/tree/')) return false;
      response.writeHead(200, { Link: `<${url.href}>; rel="next"` }).end('[]');
      return true;
    };
    await expect(resolveModel('owner/name')).rejects.toMatchObject({ code: 'too-large' });
    test.hub.override = (_, response) => {
      response.end(Buffer.alloc(51_000_000, 32));
      return true;
    };
    await expect(resolveModel('owner/name')).rejects.toMatchObject({ code: 'too-large' });
    test.hub.override = undefined;
    test.hub.serve({ ...model, 'tokenizer.json': { ...text('{}'), listed: { size: 1e12 } } });
    await expect(resolveModel('owner/name')).rejects.toMatchObject({ code: 'too-large' });
  });

  it('cannot lead out of the folder by the index', async () => {
    const files = { 'config.json': text('{}'), 'a.safetensors': weights(10) };
    for (const [shard, code] of [
      ['../a.safetensors', 'bad-weights'],
      ['a.bin', 'bad-weights'],
      ['b.safetensors', 'file-missing'],
    ] as const) {
      test.hub.serve({ ...files, 'model.safetensors.index.json': indexOf(shard) });
      await expect(resolveModel('owner/name')).rejects.toMatchObject({ code });
    }
  });
});
