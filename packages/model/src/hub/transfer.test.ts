import { mkdir, rm, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { blobOf } from './__fixtures__/fake-hub.js';
import {
  COMMIT,
  expectContent,
  indexOf,
  model,
  needed,
  OTHER,
  useTestHub,
  weights,
} from './__fixtures__/test-hub.js';
import { resolveModel } from './resolve-model.js';

const test = useTestHub();

describe('a transfer', () => {
  it('goes on where the connection was cut', async () => {
    test.hub.serve(model);
    test.hub.faults['model.safetensors'] = ['cut', 'cut-at-once', 500, 'cut'];
    await expectContent(await resolveModel('owner/name'), model, needed);
    expect(test.hub.contents.filter((request) => request.startsWith('model.safetensors'))).toEqual([
      'model.safetensors',
      ...Array(3).fill('model.safetensors bytes=150000-'),
      'model.safetensors bytes=225000-',
    ]);
  });

  it('starts anew where the server knows no ranges', async () => {
    test.hub.serve(model);
    test.hub.faults['model.safetensors'] = ['cut', 'ignore-range'];
    await expectContent(await resolveModel('owner/name'), model, needed);
  });

  it('that stays cut leaves no half of a file, and the next call goes on where it was cut', async () => {
    test.hub.serve(model);
    test.hub.faults['model.safetensors'] = ['cut', ...Array(3).fill('cut-at-once')];
    await expect(resolveModel('owner/name')).rejects.toMatchObject({
      code: 'read-failed',
      message: expect.stringMatching(
        /^the download of model.safetensors of owner\/name was cut off at 150000 of 300000 bytes: it could not be reached/,
      ),
    });
    const rest = needed.filter((name) => name !== 'model.safetensors');
    await expectContent(test.hub.snapshot(), model, rest);
    const part = `${blobOf(model['model.safetensors']!)}.part.gram-tmp`;
    expect((await test.hub.blobs()).sort()).toEqual(
      [...rest.map((name) => blobOf(model[name]!)), part].sort(),
    );
    test.hub.contents.length = 0;
    await expectContent(await resolveModel('owner/name'), model, needed);
    expect(test.hub.contents).toEqual(['model.safetensors bytes=150000-']);
    expect(await test.hub.blobs()).toHaveLength(needed.length);
  });

  it.each([
    ['shorten', 'bytes, the hub lists'],
    ['lengthen', 'has more than the'],
    ['change', 'has another hash than'],
  ] as const)('of other content is refused: %s', async (fault, problem) => {
    test.hub.serve(model);
    for (const name of ['config.json', 'model.safetensors']) {
      test.hub.faults[name] = [fault];
      await expect(resolveModel('owner/name')).rejects.toMatchObject({
        code: 'read-failed',
        message: expect.stringMatching(`^what arrived as ${name} of owner/name .*${problem}`),
      });
      expect(await test.hub.blobs()).not.toContain(blobOf(model[name]!));
      expect((await test.hub.blobs()).filter((blob) => blob.includes('.'))).toEqual([]);
    }
    await expectContent(await resolveModel('owner/name'), model, needed);
  });

  it('ends when it is aborted', async () => {
    test.hub.serve(model);
    test.hub.faults['model.safetensors'] = ['hang'];
    const controller = new AbortController();
    const reason = new Error('enough');
    const resolving = resolveModel('owner/name', {
      signal: controller.signal,
      onProgress: (done) => {
        if (done > 100_000) controller.abort(reason);
      },
    });
    await expect(resolving).rejects.toBe(reason);
    const parts = (await test.hub.blobs()).filter((name) => name.endsWith('.part.gram-tmp'));
    expect(parts).toHaveLength(1);
    await expect(resolveModel('owner/name', { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    await expectContent(await resolveModel('owner/name'), model, needed);
  });

  it('replaces a cached file of another size, and removes what a killed download left', async () => {
    test.hub.serve(model);
    const dir = await resolveModel('owner/name');
    await writeFile(join(dir, 'model.safetensors'), 'half');
    const [old, young] = ['old', 'young'].map((name) =>
      join(test.hub.storageFolder, 'blobs', `${name}.gram-tmp`),
    );
    await writeFile(old!, 'x');
    await writeFile(young!, 'x');
    await utimes(old!, new Date(), new Date(Date.now() - 8 * 24 * 3600_000));
    await expectContent(await resolveModel('owner/name'), model, needed);
    expect((await test.hub.blobs()).filter((name) => name.includes('gram-tmp'))).toEqual(['young.gram-tmp']);
  });

  it('may run twice at once', async () => {
    test.hub.serve(model);
    const both = await Promise.all([resolveModel('owner/name'), resolveModel('owner/name')]);
    expect(both).toEqual([test.hub.snapshot(), test.hub.snapshot()]);
    await expectContent(test.hub.snapshot(), model, needed);
  });

  it('says that the cache cannot be written', async () => {
    test.hub.serve(model);
    await mkdir(join(test.hub.root, 'cache'));
    await writeFile(test.hub.storageFolder, 'in the way');
    await expect(resolveModel('owner/name')).rejects.toMatchObject({ code: 'write-failed' });
  });
});

describe('without the hub', () => {
  it('the cache serves what it has in full', async () => {
    test.hub.serve(model);
    await resolveModel('owner/name');
    await resolveModel('owner/name/model-q4.gguf');
    await test.hub.stop();
    expect(await resolveModel('owner/name')).toBe(test.hub.snapshot());
    expect(await resolveModel(`owner/name@${COMMIT}`)).toBe(test.hub.snapshot());
    expect(await resolveModel('owner/name/model-q4.gguf')).toBe(join(test.hub.snapshot(), 'model-q4.gguf'));
  });

  it.each([503, 429])(
    'the cache serves too when it answers %i, or with the page of a proxy',
    async (status) => {
      test.hub.serve(model);
      await resolveModel('owner/name');
      test.hub.override = (_, response) => {
        response.writeHead(status).end();
        return true;
      };
      expect(await resolveModel('owner/name')).toBe(test.hub.snapshot());
      test.hub.override = (_, response) => {
        response.writeHead(200, { 'Content-Type': 'text/html' }).end('<html>log in</html>');
        return true;
      };
      expect(await resolveModel('owner/name')).toBe(test.hub.snapshot());
    },
  );

  it('what is missing or not complete is an error that says what to do', async () => {
    test.hub.serve({ ...model, 'model.safetensors.index.json': indexOf('b.safetensors') });
    await resolveModel('owner/name');
    await test.hub.stop();
    const error = {
      code: 'read-failed',
      message: expect.stringMatching(/could not be reached: (ECONNREFUSED|ECONNRESET|UND_ERR_SOCKET)/),
      hint: expect.stringContaining('set HF_ENDPOINT'),
    };
    await expect(resolveModel('owner/other')).rejects.toMatchObject(error);
    await expect(resolveModel('owner/name@v2')).rejects.toMatchObject(error);
    await rm(join(test.hub.snapshot(), 'model.safetensors'));
    await expect(resolveModel('owner/name')).rejects.toMatchObject(error);
  });

  it('an interrupted newer revision leaves the older one in use', async () => {
    test.hub.serve(model);
    await resolveModel('owner/name');
    test.hub.repos['owner/name'] = {
      commits: { [OTHER]: { ...model, 'model.safetensors': weights(1000, 9) } },
      refs: { main: OTHER },
    };
    test.hub.faults['model.safetensors'] = Array(4).fill('cut-at-once');
    await expect(resolveModel('owner/name')).rejects.toMatchObject({ code: 'read-failed' });
    await test.hub.stop();
    expect(await resolveModel('owner/name')).toBe(test.hub.snapshot());
  });
});
