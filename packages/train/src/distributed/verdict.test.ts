import { describe, expect, it } from 'vitest';
import { findLost, type Sign } from './verdict.js';

const now = 100_000;
const well: Sign = {
  heard: now - 500,
  spoke: now - 500,
  entered: 7,
  waitingSince: undefined,
  patient: false,
  gone: false,
};
const verdict = (...signs: Partial<Sign>[]) =>
  findLost(
    signs.map((sign) => ({ ...well, ...sign })),
    now,
    60_000,
  )?.rank;

describe('findLost', () => {
  it('lets ranks be that work or wait for a short time', () => {
    expect(verdict({}, { entered: 8, waitingSince: now - 59_000 }, {})).toBeUndefined();
  });

  it('finds a broken connection before anything else', () => {
    expect(verdict({ heard: 0 }, { gone: true })).toBe(1);
  });

  it('finds one that is silent', () => {
    expect(verdict({}, {}, { heard: now - 60_001 })).toBe(2);
  });

  it('finds the one that others wait for', () => {
    const waiting = { entered: 8, waitingSince: now - 61_000 };
    expect(verdict(waiting, {}, waiting)).toBe(1);
  });

  it('does not call one slow that may be dead', () => {
    const waiting = { entered: 8, waitingSince: now - 61_000 };
    expect(verdict(waiting, { heard: now - 59_000, spoke: now - 59_000 })).toBeUndefined();
    // The process that listens has slept, and what was said meanwhile is still to be read.
    expect(verdict(waiting, { heard: now, spoke: now - 59_000 })).toBeUndefined();
    expect(verdict(waiting, { spoke: now - 29_000 })).toBe(1);
  });

  it('blames nobody for a long operation that all are in', () => {
    const waiting = { entered: 8, waitingSince: now - 61_000 };
    expect(verdict(waiting, waiting)).toBeUndefined();
  });

  it('waits for one that said that it takes its time, and before the first operation', () => {
    expect(verdict({ patient: true }, { entered: 8, waitingSince: now - 90_000 })).toBeUndefined();
    expect(verdict({ entered: 0 }, { entered: 1, waitingSince: now - 90_000 })).toBeUndefined();
  });
});
