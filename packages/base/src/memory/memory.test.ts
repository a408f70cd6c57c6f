import { spawnSync } from 'node:child_process';
import { totalmem } from 'node:os';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { checkMemory, isOutOfMemory, memoryBound, withinMemory } from './memory.js';

const need = { work: 'training this model', bytes: 3e14, hint: 'lower the batch size' };

describe('memory', () => {
  it('is bounded by what the machine has at most', () => {
    const { bytes } = memoryBound();
    expect(bytes).toBeGreaterThan(0);
    expect(bytes).toBeLessThanOrEqual(totalmem());
  });

  it.skipIf(process.platform !== 'linux')('is bounded by the address space that is left', () => {
    const module = fileURLToPath(new URL('../../dist/index.js', import.meta.url));
    const script = `import(${JSON.stringify(module)}).then(({ memoryBound }) => console.log(JSON.stringify(memoryBound())))`;
    const limited = ['-c', 'ulimit -v 2000000; exec "$0" -e "$1"', process.execPath, script];
    const { stdout, stderr } = spawnSync('bash', limited, { encoding: 'utf8' });
    // A package that is not built has nothing to run in another process.
    if (/ERR_MODULE_NOT_FOUND|is not a function/.test(stderr)) return;
    const bound = JSON.parse(stdout);
    expect(bound.source).toContain('ulimit -v');
    expect(bound.bytes).toBeLessThan(2_000_000 * 1024);
  });

  it('that cannot be had is refused with the estimate and what to lower', () => {
    expect(() => checkMemory({ ...need, bytes: 1 })).not.toThrow();
    expect(() => checkMemory(need)).toThrow(
      expect.objectContaining({
        code: 'out-of-memory',
        message: expect.stringMatching(
          /^training this model takes about 300000\.0 GB of memory, and .* has /,
        ),
        hint: 'lower the batch size',
      }),
    );
  });

  it('that ends in the middle of work is explained, and other errors stay what they are', async () => {
    const ends = () => new Float32Array(2 ** 50);
    await expect(withinMemory({ ...need, work: 'training' }, ends)).rejects.toMatchObject({
      code: 'out-of-memory',
      message: expect.stringMatching(
        /^there is not enough memory for training, which takes about .*; .* has /,
      ),
    });
    const other = new RangeError('the step is 3');
    await expect(withinMemory(need, () => Promise.reject(other))).rejects.toBe(other);
    expect(await withinMemory(need, () => 7)).toBe(7);
    expect(isOutOfMemory(Object.assign(new Error('spawn ENOMEM'), { code: 'ENOMEM' }))).toBe(true);
    expect(isOutOfMemory('out of memory')).toBe(false);
  });
});
