import { spawnSync } from 'node:child_process';
import { readdir, readFile, rename, truncate, unlink, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { blobOf } from './__fixtures__/fake-hub.js';
import { expectContent, model, needed, text, useTestHub } from './__fixtures__/test-hub.js';
import { retryAfter } from './patience.js';
import { resolveModel } from './resolve-model.js';

const test = useTestHub();
const WEIGHTS = 'model.safetensors';
const weights = model[WEIGHTS]!;

/** Answers to metadata, the first first, before the right ones. */
function answerFirst(...answers: { status: number; headers?: Record<string, string> }[]): void {
  test.hub.override = (_, response) => {
    const answer = answers.shift();
    if (answer === undefined) return false;
    response.writeHead(answer.status, answer.headers).end();
    return true;
  };
}

describe('a busy hub', () => {
  it.each([429, 503])('is waited for as it asks when it answers %i to metadata', async (status) => {
    test.hub.serve(model);
    answerFirst({ status, headers: { 'Retry-After': '1' } }, { status, headers: { 'Retry-After': '1' } });
    const notes: string[] = [];
    const started = performance.now();
    await expectContent(
      await resolveModel('owner/name', { onNote: (note) => notes.push(note) }),
      model,
      needed,
    );
    expect(performance.now() - started).toBeGreaterThan(1900);
    expect(notes).toEqual([
      expect.stringMatching(new RegExp(`^the hub answered ${status} .+; going on in 1 s$`)),
      expect.stringContaining(String(status)),
    ]);
  });

  it('is waited for as it asks with the content of a file', async () => {
    test.hub.serve(model);
    test.hub.faults[WEIGHTS] = [
      'cut',
      { status: 429, retryAfter: new Date(Date.now() + 2000).toUTCString() },
    ];
    await expectContent(await resolveModel('owner/name'), model, needed);
    expect(test.hub.contents.filter((name) => name.startsWith(WEIGHTS))).toEqual([
      WEIGHTS,
      `${WEIGHTS} bytes=150000-`,
      `${WEIGHTS} bytes=150000-`,
    ]);
  });

  it('that asks for too long is an error with the status, and what is cached serves', async () => {
    test.hub.serve(model);
    const long = { status: 429, headers: { 'Retry-After': '3600' } };
    answerFirst(long);
    await expect(resolveModel('owner/name')).rejects.toMatchObject({
      code: 'read-failed',
      message: expect.stringMatching(/429 Too Many Requests and asks to wait 3600 s/),
    });
    await resolveModel('owner/name');
    answerFirst(long);
    expect(await resolveModel('owner/name')).toBe(test.hub.snapshot());
  });

  it('that stays busy says so with its status', async () => {
    test.hub.serve(model);
    answerFirst(...Array.from({ length: 9 }, () => ({ status: 503 })));
    await expect(resolveModel('owner/name')).rejects.toMatchObject({
      message: expect.stringContaining('503 Service Unavailable'),
    });
  });

  it('ends its wait when the call is aborted', async () => {
    test.hub.serve(model);
    answerFirst({ status: 429, headers: { 'Retry-After': '60' } });
    const reason = new Error('enough');
    const controller = new AbortController();
    const resolving = resolveModel('owner/name', {
      signal: controller.signal,
      onNote: () => controller.abort(reason),
    });
    await expect(resolving).rejects.toBe(reason);
  });

  it('may name seconds or a date', () => {
    const now = Date.parse('Wed, 21 Oct 2015 07:28:00 GMT');
    const asked = (value: string) => retryAfter(new Response('', { headers: { 'Retry-After': value } }), now);
    expect(
      ['120', ' 0 ', 'Wed, 21 Oct 2015 07:28:30 GMT', 'Wed, 21 Oct 2014 07:28:30 GMT'].map(asked),
    ).toEqual([120_000, 0, 30_000, 0]);
    expect(['soon', '-1 x', '1e9x', ''].map(asked)).toEqual(Array(4).fill(undefined));
  });
});

describe('a silent hub', () => {
  it('is given up by the limit, in metadata and in content', async () => {
    test.hub.serve(model);
    vi.stubEnv('HF_HUB_DOWNLOAD_TIMEOUT', '0.3');
    test.hub.faults[WEIGHTS] = ['hang', 'hang'];
    await expectContent(await resolveModel('owner/name'), model, needed);
    test.hub.override = () => true;
    const started = performance.now();
    await expect(resolveModel('owner/other')).rejects.toMatchObject({
      message: expect.stringContaining('it sent nothing for 0.3 s'),
    });
    expect(performance.now() - started).toBeLessThan(3000);
  });

  it('is told of after five seconds', async () => {
    test.hub.serve(model);
    vi.stubEnv('HF_HUB_DOWNLOAD_TIMEOUT', '6');
    test.hub.faults[WEIGHTS] = ['hang'];
    const notes: string[] = [];
    await resolveModel('owner/name', { onNote: (note) => notes.push(note) });
    expect(notes).toEqual(['the hub is silent; the connection is given up after 6 s of it']);
  }, 20_000);
});

describe('redirects', () => {
  it('in a circle are named', async () => {
    test.hub.serve(model);
    const name = 'config.json';
    const here = `${test.hub.url}/owner/name/resolve/main/${name}`;
    test.hub.faults[name] = Array.from({ length: 3 }, () => ({ location: here }));
    await expect(resolveModel('owner/name')).rejects.toMatchObject({
      code: 'read-failed',
      message: expect.stringMatching(
        /^the hub redirects "http.*" in a circle, back to "http.*main\/config.json"$/,
      ),
    });
  });

  it('without an end, and away from the web, are refused', async () => {
    test.hub.serve(model);
    const name = 'config.json';
    test.hub.faults[name] = Array.from({ length: 20 }, (_, at) => ({
      location: `${test.hub.url}/owner/name/resolve/main/${name}?${at}`,
    }));
    await expect(resolveModel('owner/name')).rejects.toMatchObject({
      message: expect.stringContaining('more than 10 times'),
    });
    for (const location of ['file:///etc/passwd', 'http://:99999']) {
      test.hub.faults[name] = [{ location }];
      await expect(resolveModel('owner/name')).rejects.toMatchObject({ code: 'read-failed' });
    }
  });
});

describe('what an earlier call left', () => {
  const blobs = () => join(test.hub.storageFolder, 'blobs');
  const cutOff = async () => {
    test.hub.serve(model);
    test.hub.faults[WEIGHTS] = ['cut', ...Array(3).fill('cut-at-once')];
    await expect(resolveModel('owner/name')).rejects.toMatchObject({ code: 'read-failed' });
    test.hub.contents.length = 0;
    return (await readdir(blobs())).find((name) => name.endsWith('.gram-tmp'))!;
  };
  /** The number of a process that has ended. */
  const deadPid = () => spawnSync(process.execPath, ['-e', '']).pid;

  it('is gone on with where the process was killed, but not taken from one that lives', async () => {
    const part = await cutOff();
    // What a process names its files while it writes them.
    const reason = new Error('enough');
    const controller = new AbortController();
    test.hub.faults['tokenizer.json'] = ['hang'];
    await unlink(join(test.hub.snapshot(), 'tokenizer.json'));
    await unlink(join(blobs(), blobOf(model['tokenizer.json']!)));
    const resolving = resolveModel('owner/name', { signal: controller.signal });
    const own = await vi.waitFor(async () => {
      const found = (await readdir(blobs())).find((name) => name.includes(`-${process.pid}-`));
      if (found === undefined) throw new Error('not yet');
      return found;
    });
    controller.abort(reason);
    await expect(resolving).rejects.toBe(reason);
    const [, tag = ''] = own.split('.');
    const named = (pid: number) =>
      `${blobOf(weights)}.${tag.replace(`-${process.pid}-`, `-${pid}-`)}.0.gram-tmp`;

    await rename(join(blobs(), part), join(blobs(), named(process.pid)));
    test.hub.faults[WEIGHTS] = [500, 500, 500, 500];
    await expect(resolveModel('owner/name')).rejects.toMatchObject({ code: 'read-failed' });
    expect(test.hub.contents.at(-1)).toBe(WEIGHTS);

    await rename(join(blobs(), named(process.pid)), join(blobs(), named(deadPid())));
    await expectContent(await resolveModel('owner/name'), model, needed);
    expect(test.hub.contents.at(-1)).toBe(`${WEIGHTS} bytes=150000-`);
  });

  it('is fetched anew where it was damaged', async () => {
    const part = join(blobs(), await cutOff());
    await writeFile(part, 'x'.repeat(1000));
    await expectContent(await resolveModel('owner/name'), model, needed);
    expect(test.hub.contents).toEqual([`${WEIGHTS} bytes=1000-`, WEIGHTS]);
  });

  it('may be all of it', async () => {
    const part = join(blobs(), await cutOff());
    await writeFile(part, weights.bytes);
    await expectContent(await resolveModel('owner/name'), model, needed);
    expect(test.hub.contents).toEqual([]);
  });
});

describe('a file of the cache that was damaged', () => {
  /** Changes one byte and nothing that a look from outside would show but the time. */
  async function damage(name: string): Promise<void> {
    const path = join(test.hub.snapshot(), name);
    const bytes = await readFile(path);
    bytes[bytes.length >> 1]! ^= 1;
    await writeFile(path, bytes);
  }

  it.each([WEIGHTS, 'config.json'])('is fetched again, and said: %s', async (name) => {
    test.hub.serve(model);
    await resolveModel('owner/name');
    await damage(name);
    const notes: string[] = [];
    await expectContent(
      await resolveModel('owner/name', { onNote: (note) => notes.push(note) }),
      model,
      needed,
    );
    expect(notes[0]).toBe(`${name} in the cache is damaged and is fetched again`);
  });

  it('is refused by name without the hub, unless nobody wants to know', async () => {
    test.hub.serve(model);
    await resolveModel('owner/name');
    await test.hub.stop();
    await damage(WEIGHTS);
    await expect(resolveModel('owner/name')).rejects.toMatchObject({
      code: 'read-failed',
      message: `${WEIGHTS} of owner/name in the cache is damaged: its hash is not the one that it was stored under`,
    });
    expect(await resolveModel('owner/name', { verify: false })).toBe(test.hub.snapshot());
    vi.stubEnv('GRAM_HUB_VERIFY', '0');
    expect(await resolveModel('owner/name')).toBe(test.hub.snapshot());
  });

  it('is found by the next process even where its time of change is the old one, and looked at once a process', async () => {
    test.hub.serve(model);
    const path = join(await resolveModel('owner/name'), WEIGHTS);
    const then = 1_700_000_000;
    await utimes(path, then, then);
    await resolveModel('owner/name');
    await damage(WEIGHTS);
    await utimes(path, then, then);
    await test.hub.stop();
    expect(await resolveModel('owner/name')).toBe(test.hub.snapshot());
    vi.resetModules();
    const next = await import('./resolve-model.js');
    await expect(next.resolveModel('owner/name')).rejects.toMatchObject({
      message: expect.stringContaining(`${WEIGHTS} of owner/name in the cache is damaged`),
    });
  });

  it('is found as a copy too, and where it became shorter', async () => {
    test.hub.serve({ ...model, 'gram.json': text('{"format":1}') });
    const dir = await resolveModel('owner/name');
    const path = join(dir, WEIGHTS);
    await unlink(path);
    await writeFile(path, weights.bytes);
    await test.hub.stop();
    expect(await resolveModel('owner/name')).toBe(dir);
    await truncate(path, 1000);
    await expect(resolveModel('owner/name')).rejects.toMatchObject({
      message: expect.stringContaining('damaged'),
    });
  });
});
