import { describe, expect, it } from 'vitest';
import { findLost, type Sign } from './verdict.js';

const now = 100_000;
const well: Sign = { heard: now - 500, entered: 7, waitingSince: undefined, patient: false, gone: false };
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

  it('blames nobody for a long operation that all are in', () => {
    const waiting = { entered: 8, waitingSince: now - 61_000 };
    expect(verdict(waiting, waiting)).toBeUndefined();
  });

  it('waits for one that said that it takes its time, and before the first operation', () => {
    expect(verdict({ patient: true }, { entered: 8, waitingSince: now - 90_000 })).toBeUndefined();
    expect(verdict({ entered: 0 }, { entered: 1, waitingSince: now - 90_000 })).toBeUndefined();
  });
});
