import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { gram } from '../../__fixtures__/run.js';

const folder = mkdtempSync(join(tmpdir(), 'gram-fetched-'));
const path = (name: string) => join(folder, name);
const pair = (n: number) => ({ id: `${n}`, prompt: `What is ${n}?`, chosen: `${n}.`, rejected: 'No.' });
const lines = (records: readonly object[]) => records.map((record) => `${JSON.stringify(record)}\n`).join('');
const COMMIT = '0123456789012345678901234567890123456789';

/** Files by their path. */
const answers = new Map<string, string>();
let server: Server;
let host: string;

beforeAll(async () => {
  answers.set('/pairs.jsonl', lines([1, 2, 2, 3].map(pair)));
  answers.set('/held-out.jsonl', lines([{ prompt: 'what is 1?' }]));
  answers.set('/a.jsonl', lines([{ id: 'x', correct: true }]));
  answers.set('/b.jsonl', lines([{ id: 'x', correct: false }]));
  server = createServer((request, response) => {
    const found = answers.get(request.url ?? '');
    response.writeHead(found === undefined ? 404 : 200).end(found);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  host = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
beforeEach(() => {
  vi.stubEnv('GRAM_CACHE', path('cache'));
  vi.stubEnv('HF_HUB_CACHE', path('hub'));
  vi.stubEnv('HF_ENDPOINT', host);
});
afterAll(() => {
  server.close();
  rmSync(folder, { recursive: true });
});

describe('records at an address', () => {
  it('are read by the commands for data, also as an evaluation set', async () => {
    const [input, against, output] = [`${host}/pairs.jsonl`, `${host}/held-out.jsonl`, path('clean.jsonl')];
    const inspected = await gram(['data', 'inspect', input, '--json']);
    expect(JSON.parse(inspected.stdout).records.read).toBe(4);
    const { stdout, stderr } = await gram(['data', 'decontaminate', input, output, '--against', against]);
    expect(stdout, stderr).toContain('decontamination: 4 read, 3 kept, 1 dropped');
    const mixed = await gram([
      'data',
      'mix',
      path('mix.jsonl'),
      '--source',
      `${input}=1`,
      '--source',
      `${output}=1`,
    ]);
    expect(mixed.stdout, mixed.stderr).toContain('records');
    const converted = await gram(['data', 'convert', input, path('kto.jsonl'), '--to', 'kto']);
    expect(converted.stdout, converted.stderr).toContain('8 records');
  });

  it('are results that are compared', async () => {
    const { stdout, stderr } = await gram(['compare', `${host}/a.jsonl`, `${host}/b.jsonl`, '--json']);
    expect(JSON.parse(stdout || '{}').items, stderr).toBe(1);
  });

  it('are refused where they are missing, not encrypted or of an unknown form', async () => {
    for (const [address, problem] of [
      [`${host}/none.jsonl`, '404'],
      [`${host}/pairs.txt`, 'cannot tell the form'],
      ['http://example.com/pairs.jsonl', 'not encrypted'],
    ]) {
      const { status, stderr } = await gram(['data', 'inspect', address!]);
      expect([status, stderr]).toEqual([1, expect.stringContaining(problem!)]);
    }
  });
});

it('asks the hub for a data set that is named', async () => {
  const asked: string[] = [];
  server.on('request', ({ url }) => asked.push(url ?? ''));
  const { status, stderr } = await gram([
    'data',
    'inspect',
    `hf://datasets/owner/name@${COMMIT}/pairs.jsonl`,
  ]);
  expect(status, stderr).toBe(1);
  expect(asked.join(' '), stderr).toContain('/api/datasets/owner/name');
});

it('stops at once where nothing is kept, and leaves no half an output', async () => {
  writeFileSync(path('many.jsonl'), lines(Array.from({ length: 60_000 }, (_, n) => pair(n))));
  const stop = new AbortController();
  setTimeout(() => stop.abort(), 20);
  const before = readdirSync(folder);
  const filter = ['data', 'filter', path('many.jsonl'), path('none.jsonl'), '--min-characters', '1000'];
  const { status, stderr } = await gram(filter, { signal: stop.signal });
  expect([status, stderr]).toEqual([130, expect.stringContaining('interrupted')]);
  expect(readdirSync(folder)).toEqual(before);
});
