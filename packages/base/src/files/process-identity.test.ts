import { spawn, spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { ownProcess, processState, processTag, tagState } from './process-identity.js';

describe('a process', () => {
  it('that lives is told from one that has ended, and from one of another machine', () => {
    const own = ownProcess();
    const { pid } = spawnSync(process.execPath, ['-e', '0']);
    expect(processState(own)).toBe('alive');
    expect(processState({ ...own, pid })).toBe('dead');
    expect(processState({ ...own, host: 'elsewhere' })).toBe('unknown');
    expect(processState({ ...own, machine: 'another start' })).toBe('unknown');
  });

  it.skipIf(process.platform !== 'linux')('is not taken for an older one that had its number', () => {
    const sleeper = spawn(process.execPath, ['-e', 'setTimeout(() => {}, 60_000)']);
    try {
      expect(processState({ ...ownProcess(), pid: sleeper.pid!, started: '1' })).toBe('dead');
    } finally {
      sleeper.kill();
    }
  });

  it('is known by its tag in the name of a file', () => {
    const tag = processTag();
    expect(tag).toMatch(/^[0-9a-z-]+$/);
    expect(tagState(tag)).toBe('alive');
    const { pid } = spawnSync(process.execPath, ['-e', '0']);
    expect(tagState(tag.replace(`-${process.pid}-`, `-${pid}-`))).toBe('dead');
    expect(tagState(`00000000${tag.slice(8)}`)).toBe('unknown');
    for (const other of ['', 'part', '1e7f-1-1', `${tag}-1`]) expect(tagState(other)).toBe('unknown');
  });
});
