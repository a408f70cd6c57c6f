import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { BaseError } from '@gram/base';
import { describe, expect, it } from 'vitest';
import { describeError, errorText } from './describe-error.js';

const thrownBy = (work: () => unknown): unknown => {
  try {
    return work();
  } catch (error) {
    return error;
  }
};

describe('the one line of an error', () => {
  it('is message and hint, whichever package it comes from', () => {
    expect(errorText(new BaseError('bad-option', 'the count is 3', 'give 4'))).toBe(
      'gram: the count is 3; give 4\n',
    );
  });

  it('names what the system refused', () => {
    const folder = mkdtempSync(`${tmpdir()}/gram-error-`);
    expect(errorText(thrownBy(() => readFileSync(folder)))).toMatch(
      /^gram: the system refused: EISDIR: .*; check the path, its folder and the disk\n$/,
    );
    const full = Object.assign(new Error('ENOSPC: no space left on device, write'), {
      code: 'ENOSPC',
      syscall: 'write',
    });
    expect(errorText(full)).toBe(
      'gram: the system refused: ENOSPC: no space left on device, write; free space on the disk, and run the same command again\n',
    );
  });

  it('says that memory ended, whatever ended it', () => {
    const ended = thrownBy(() => new Float32Array(2 ** 50));
    expect(errorText(ended)).toMatch(
      /^gram: memory ended; .* has [\d.]+ GB \(.*\); use a smaller model, .*\n$/,
    );
  });

  it('is no line for a fault of gram itself, whose stack is printed', () => {
    const fault = new TypeError('x is not a function');
    expect(describeError(fault)).toBeUndefined();
    expect(describeError('text')).toBeUndefined();
    expect(errorText(fault)).toMatch(/^gram: unexpected error\nTypeError: x is not a function\n\s+at /);
  });
});
