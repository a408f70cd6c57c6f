import { spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import {
  checkReplaceable,
  checkWritable,
  removeLeftovers,
  writeDirectoryAtomic,
  writeFileAtomic,
} from './atomic.js';
import { processTag } from './process-identity.js';

// Counts down to a crash: from then on every call of the file system fails, those of the clean-up included.
const power = vi.hoisted(() => ({ callsLeft: Number.POSITIVE_INFINITY }));

vi.mock('node:fs/promises', async (importOriginal) => {
  const original = await importOriginal<typeof import('node:fs/promises')>();
  const guarded = ['open', 'rename', 'rm', 'mkdir', 'readdir', 'realpath', 'stat'] as const;
  const wrapped = guarded.map((name) => {
    const call = original[name] as (...args: unknown[]) => Promise<unknown>;
    const guard = async (...args: unknown[]) => {
      if (power.callsLeft-- <= 0) throw new Error('crash');
      return call(...args);
    };
    return [name, guard] as const;
  });
  return { ...original, ...Object.fromEntries(wrapped) };
});

let root: string;
let dir: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'gram-atomic-'));
  dir = join(root, 'model');
});
afterEach(async () => {
  power.callsLeft = Number.POSITIVE_INFINITY;
  await rm(root, { recursive: true });
});

const NAMES = ['a', 'b'];

function fillWith(text: string) {
  return async (temporary: string) => {
    await writeFile(join(temporary, 'a'), text);
    await mkdir(join(temporary, 'b'));
    await writeFile(join(temporary, 'b', 'c'), text);
  };
}

/** The content of a complete directory; undefined where it is missing. */
async function contentOf(path: string): Promise<string | undefined> {
  const names = await readdir(path).catch(() => undefined);
  if (names === undefined) return undefined;
  const a = await readFile(join(path, 'a'), 'utf8');
  expect(await readFile(join(path, 'b', 'c'), 'utf8')).toBe(a);
  return a;
}

describe('writeDirectoryAtomic', () => {
  it('creates a directory with its parents, replaces it and leaves nothing else', async () => {
    const deep = join(root, 'x', 'y');
    await writeDirectoryAtomic(deep, NAMES, fillWith('first'));
    expect(await contentOf(deep)).toBe('first');
    await writeDirectoryAtomic(deep, NAMES, fillWith('second'));
    expect(await contentOf(deep)).toBe('second');
    expect(await readdir(dirname(deep))).toEqual(['y']);
  });

  it('leaves the old directory and no temporary one when the callback fails', async () => {
    await writeDirectoryAtomic(dir, NAMES, fillWith('first'));
    const writing = writeDirectoryAtomic(dir, NAMES, async (temporary) => {
      await fillWith('second')(temporary);
      throw new RangeError('loss is not finite');
    });
    await expect(writing).rejects.toThrow(new RangeError('loss is not finite'));
    expect(await contentOf(dir)).toBe('first');
    expect(await readdir(root)).toEqual(['model']);
  });

  it('leaves nothing when the first write fails', async () => {
    await expect(writeDirectoryAtomic(dir, NAMES, () => Promise.reject(new Error('no')))).rejects.toThrow(
      'no',
    );
    expect(await readdir(root)).toEqual([]);
  });

  it('keeps a complete directory findable wherever it is cut off, and recovers', async () => {
    const seen = new Set<string>();
    let crashed = true;
    for (let calls = 0; crashed; calls++) {
      await rm(root, { recursive: true });
      await mkdir(root);
      await writeDirectoryAtomic(dir, NAMES, fillWith('first'));
      power.callsLeft = calls;
      crashed = await writeDirectoryAtomic(dir, NAMES, fillWith('second')).then(
        () => false,
        (error: unknown) => String(error).includes('crash'),
      );
      power.callsLeft = Number.POSITIVE_INFINITY;
      const content = await contentOf(dir);
      // Where the directory is missing, the old one beside it is complete.
      const found = content ?? `aside: ${await contentOf(`${dir}.gram-old`)}`;
      seen.add(found);

      await writeDirectoryAtomic(dir, NAMES, fillWith('third'));
      expect(await contentOf(dir)).toBe('third');
      expect(await readdir(root)).toEqual(['model']);
    }
    expect([...seen]).toEqual(['first', 'aside: first', 'second']);
  });

  it('replaces what a link points to, not the link', async () => {
    const link = join(root, 'link');
    await writeDirectoryAtomic(dir, NAMES, fillWith('first'));
    await symlink(dir, link);
    await writeDirectoryAtomic(link, NAMES, fillWith('second'));
    expect(await contentOf(dir)).toBe('second');
    expect(await contentOf(link)).toBe('second');
  });
});

describe('checkReplaceable', () => {
  it('accepts what is missing, empty or holds only the names', async () => {
    await checkReplaceable(dir, NAMES);
    await mkdir(dir);
    await checkReplaceable(dir, NAMES);
    await writeFile(join(dir, 'a'), '');
    await checkReplaceable(dir, NAMES);
  });

  it('refuses a directory that holds anything else, before the callback runs', async () => {
    await mkdir(dir);
    await writeFile(join(dir, 'thesis.txt'), 'years of work');
    const fill = vi.fn(fillWith('x'));
    await expect(writeDirectoryAtomic(dir, NAMES, fill)).rejects.toMatchObject({
      code: 'not-replaceable',
      message: `${dir} holds "thesis.txt", which writing would delete`,
    });
    expect(fill).not.toHaveBeenCalled();
    expect(await readFile(join(dir, 'thesis.txt'), 'utf8')).toBe('years of work');
  });

  it('refuses a file, the current folder and the folders above it', async () => {
    await writeFile(dir, '');
    await expect(checkReplaceable(dir, NAMES)).rejects.toMatchObject({ message: `${dir} is not a folder` });
    await expect(checkReplaceable('.', NAMES)).rejects.toMatchObject({ code: 'not-replaceable' });
    await expect(checkReplaceable(dirname(process.cwd()), NAMES)).rejects.toMatchObject({
      message: expect.stringContaining('the current folder'),
    });
  });
});

describe('writeFileAtomic', () => {
  it('holds the old or the new content wherever it is cut off', async () => {
    const path = join(root, 'state.json');
    const seen = new Set<string>();
    let crashed = true;
    for (let calls = 0; crashed; calls++) {
      await writeFile(path, 'first');
      power.callsLeft = calls;
      crashed = await writeFileAtomic(path, 'second').then(
        () => false,
        () => true,
      );
      power.callsLeft = Number.POSITIVE_INFINITY;
      seen.add(await readFile(path, 'utf8'));
    }
    expect([...seen]).toEqual(['first', 'second']);
  });

  it('removes what a process that was killed left of the same file, and nothing of one that lives', async () => {
    const path = join(root, 'results.json');
    const { pid } = spawnSync(process.execPath, ['-e', '0']);
    const own = processTag();
    const dead = own.replace(`-${process.pid}-`, `-${pid}-`);
    const kept = [
      `results.json.${own}.0.gram-tmp`,
      `other.json.${dead}.0.gram-tmp`,
      `results.json.${dead}.0`,
    ];
    const leave = () =>
      Promise.all(
        [...kept, `results.json.${dead}.0.gram-tmp`].map((name) => writeFile(join(root, name), '{')),
      );
    await leave();
    await checkWritable(path);
    expect((await readdir(root)).sort()).toEqual([...kept].sort());
    await leave();
    await writeFileAtomic(path, 'whole');
    expect((await readdir(root)).sort()).toEqual([...kept, 'results.json'].sort());
  });

  it('removes its temporary file and says what failed', async () => {
    await mkdir(dir);
    await writeFile(join(dir, 'a'), '');
    await expect(writeFileAtomic(dir, 'text')).rejects.toMatchObject({
      code: 'write-failed',
      message: expect.stringContaining(`${dir} could not be written (`),
    });
    expect(await readdir(root)).toEqual(['model']);
    await expect(writeFileAtomic(join(root, 'none', 'a'), '')).rejects.toMatchObject({
      code: 'write-failed',
    });
  });
});

describe('removeLeftovers', () => {
  it('removes what crashes left and nothing else', async () => {
    await writeDirectoryAtomic(dir, NAMES, fillWith('whole'));
    await writeFileAtomic(join(root, 'notes'), 'whole');
    for (let calls = 1; calls < 12; calls++) {
      power.callsLeft = calls;
      await writeDirectoryAtomic(join(root, `new-${calls}`), NAMES, fillWith('part')).catch(() => undefined);
      power.callsLeft = calls % 3;
      await writeFileAtomic(join(root, 'notes'), 'part').catch(() => undefined);
    }
    power.callsLeft = Number.POSITIVE_INFINITY;
    const before = await readdir(root);
    expect(before.some((name) => name.includes('gram-tmp'))).toBe(true);
    await removeLeftovers(root);
    const after = await readdir(root);
    expect(after).toEqual(before.filter((name) => !name.includes('.gram-')));
    expect(await readFile(join(dir, 'a'), 'utf8')).toBe('whole');
    expect(await readdir(dir)).toEqual(NAMES);
  });
});
