import { spawn, spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { refuseUsed, takeLock } from './lock.js';
import { claimOutput, isVacant, resumePoint } from './output.js';

const timing = { beatMs: 20, patienceMs: 200 };
let output: string;
let path: string;
beforeEach(() => {
  output = mkdtempSync(join(tmpdir(), 'gram-lock-'));
  path = join(output, 'run.lock');
});
afterEach(() => rmSync(output, { recursive: true, force: true }));

const take = () => takeLock(path, output, { timing });
const holder = () => JSON.parse(readFileSync(path, 'utf8'));

describe('the lock of an output', () => {
  it('names the process and the host that hold it, and leaves nothing when it is released', async () => {
    const lock = await take();
    const refusal = {
      code: 'in-use',
      message: `${output} is in use by process ${process.pid} on "${hostname()}"`,
    };
    await expect(take()).rejects.toMatchObject(refusal);
    await expect(refuseUsed(path, output)).rejects.toMatchObject(refusal);
    await expect(resumePoint(output, 'auto')).rejects.toMatchObject(refusal);
    await lock.release();
    await lock.release();
    expect(readdirSync(output)).toEqual([]);
    await (await take()).release();
  });

  it('is held by one of many processes that want it at once', async () => {
    const results = await Promise.allSettled(Array.from({ length: 20 }, take));
    const locks = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
    expect(locks).toHaveLength(1);
    await locks[0]!.release();
  });

  it('is not kept by a process of this machine that died, at once', async () => {
    const { pid } = spawnSync(process.execPath, ['-e', '0']);
    const lock = await take();
    const dead = { ...holder(), pid };
    await lock.release();
    writeFileSync(path, JSON.stringify(dead));
    const started = performance.now();
    const next = await takeLock(path, output);
    expect(performance.now() - started).toBeLessThan(4000);
    expect(holder().pid).toBe(process.pid);
    await next.release();
  });

  it('is not kept by another process that has the number of one that died', async () => {
    const sleeper = spawn(process.execPath, ['-e', 'setTimeout(() => {}, 60_000)']);
    try {
      const lock = await take();
      const dead = { ...holder(), pid: sleeper.pid, started: '1' };
      await lock.release();
      writeFileSync(path, JSON.stringify(dead));
      await (await take()).release();
    } finally {
      sleeper.kill();
    }
  });

  it('is not kept by a process that has ended and that nobody has waited for', {
    timeout: 20_000,
  }, async () => {
    // The program that replaces the shell never waits for the shell's child.
    const parent = spawn('sh', ['-c', 'sleep 0 & echo $!; exec sleep 60'], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    try {
      const pid = await new Promise<number>((resolve) =>
        parent.stdout.once('data', (text) => resolve(Number(text))),
      );
      await expect.poll(() => readFileSync(`/proc/${pid}/stat`, 'utf8'), { timeout: 10_000 }).toMatch(/ Z /);
      const lock = await take();
      const dead = { ...holder(), pid };
      await lock.release();
      writeFileSync(path, JSON.stringify(dead));
      await (await take()).release();
    } finally {
      parent.kill();
    }
  });

  it('of another machine is waited for: it is kept while its holder shows that it lives, and not longer', async () => {
    const lock = await take();
    const text = readFileSync(path, 'utf8');
    await lock.release();
    const foreign = { ...JSON.parse(text), host: 'another-host' };
    let beat = 0;
    const beats = setInterval(() => writeFileSync(path, JSON.stringify({ ...foreign, beat: ++beat })), 20);
    await new Promise((resolve) => setTimeout(resolve, 60));
    await expect(take()).rejects.toMatchObject({
      code: 'in-use',
      message: expect.stringContaining('"another-host"'),
    });
    clearInterval(beats);
    const next = await take();
    expect(holder().host).toBe(hostname());
    await next.release();
  });

  it('of another machine is not waited for any longer once that is told', async () => {
    const lock = await take();
    const text = readFileSync(path, 'utf8');
    await lock.release();
    writeFileSync(path, JSON.stringify({ ...JSON.parse(text), host: 'another-host' }));
    const stop = new AbortController();
    const taking = takeLock(path, output, { signal: stop.signal });
    setTimeout(() => stop.abort(new Error('enough')), 50);
    await expect(taking).rejects.toThrow('enough');
    expect(holder().host).toBe('another-host');
  });

  it('that was cut off while it was written is taken over', async () => {
    writeFileSync(path, '{"pid":');
    const lock = await take();
    expect(holder().pid).toBe(process.pid);
    await lock.release();
  });

  it('says when the output was deleted or taken over', async () => {
    const lock = await take();
    rmSync(output, { recursive: true });
    await expect.poll(() => lock.lost.aborted).toBe(true);
    expect(lock.lost.reason).toMatchObject({ code: 'output-lost' });
    await expect(lock.check()).rejects.toMatchObject({ code: 'output-lost' });
    await lock.release();
    mkdirSync(output);
    const first = await take();
    rmSync(path);
    const second = await take();
    await expect(first.check()).rejects.toMatchObject({ code: 'output-lost' });
    await first.release();
    expect(existsSync(path)).toBe(true);
    await second.check();
    await second.release();
  });
});

describe('an output', () => {
  it('that holds only what is written before the first checkpoint is as good as empty', async () => {
    for (const name of ['metrics.jsonl', 'checkpoint-0000002.gram-tmp', 'run.lock']) {
      writeFileSync(join(output, name), '');
    }
    mkdirSync(join(output, 'tensorboard'));
    expect(isVacant(output)).toBe(true);
    expect(await resumePoint(output)).toBeUndefined();
    expect(await resumePoint(output, 'auto')).toBeUndefined();
    writeFileSync(join(output, 'notes.txt'), '');
    expect(isVacant(output)).toBe(false);
    await expect(resumePoint(output, 'auto')).rejects.toMatchObject({ code: 'no-checkpoint' });
  });

  it('is cleared of what a kill left half-written, once it is claimed', async () => {
    writeFileSync(join(output, 'metrics.jsonl.f00d.gram-tmp'), '{"st');
    const claim = await claimOutput(output);
    expect(readdirSync(output)).toEqual(['run.lock']);
    await claim.release();
    expect(readdirSync(output)).toEqual([]);
  });
});
