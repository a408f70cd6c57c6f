import { writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createProgress } from '@gram/report';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { gram } from './__fixtures__/run.js';
import { safeOutput } from './safe-output.js';

const HOSTILE = '\u001b[2J\u001b]0;owned\u0007\u009b31m\u202e';
const UNPRINTABLE = /(?![\n\t])[\p{Cc}\p{Bidi_Control}]/u;

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gram-safe-'));
});
afterEach(() => rm(folder, { recursive: true }));

function captured(columns: number, isTTY: boolean) {
  const written: string[] = [];
  const write = (text: string) => written.push(text);
  const stderr = { write, columns, isTTY } as unknown as NodeJS.WriteStream;
  return { written, io: safeOutput({ stdout: { write }, stderr, signal: new AbortController().signal }) };
}

it('shows control characters on both streams, and keeps lines', () => {
  const { written, io } = captured(80, false);
  io.stdout.write(`a\tb\n${HOSTILE}\n`);
  io.stderr.write(`note ${HOSTILE}\n`);
  expect(written.join('')).not.toMatch(UNPRINTABLE);
  expect(written[0]).toBe('a\tb\n\\u001b[2J\\u001b]0;owned\\u0007\\u009b31m\\u202e\n');
});

it('lets a progress line be drawn, but nothing in it act', () => {
  const { written, io } = captured(70, true);
  const progress = createProgress({ label: `a${HOSTILE}`, total: 2, unit: 'steps', stream: io.stderr });
  progress.update(1, { [HOSTILE]: HOSTILE });
  progress.note(HOSTILE);
  progress.finish();
  expect(written.length).toBeGreaterThan(2);
  for (const text of written) {
    expect(text.startsWith('\r\u001b[2K')).toBe(true);
    expect(text.slice(5)).not.toMatch(UNPRINTABLE);
  }
});

it.each([
  ['data that is no JSON', `{"prompt": ${HOSTILE}x}\n`],
  ['a record without its fields', `${JSON.stringify({ prompt: HOSTILE, [HOSTILE]: 1 })}\n`],
])('prints no raw character of %s', async (_, content) => {
  const path = join(folder, `bad${HOSTILE}.jsonl`);
  writeFileSync(path, content);
  const { status, stderr } = await gram(['eval', '--model', folder, '--data', path]);
  expect(status).toBe(1);
  expect(stderr).not.toMatch(UNPRINTABLE);
});

it.each([
  [HOSTILE],
  ['inspect', `./${HOSTILE}`],
  ['finetune', '--config', `${HOSTILE}.yaml`],
  ['finetune', '--preset', HOSTILE],
  ['finetune', '--preset', 'laptop', '--set', `${HOSTILE}=1`],
  ['eval', `--${HOSTILE}`],
])('prints no raw character of an argument (%#)', async (...argv) => {
  const { status, stderr } = await gram(argv);
  expect(status).toBeGreaterThan(0);
  expect(stderr).not.toMatch(UNPRINTABLE);
  expect(stderr).toContain('\\u001b');
});
