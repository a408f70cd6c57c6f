import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseReference } from './reference.js';

describe('parseReference', () => {
  it.each([
    ['owner/name', 'owner/name', 'main', undefined],
    ['owner/name@v1.0', 'owner/name', 'v1.0', undefined],
    ['Owner_1/na.me-7B@refs/pr/3', 'Owner_1/na.me-7B', 'refs/pr/3', undefined],
    ['owner/name/model-q4_0.gguf', 'owner/name', 'main', 'model-q4_0.gguf'],
    ['owner/name/model.gguf@dev', 'owner/name', 'dev', 'model.gguf'],
  ])('reads %s', async (text, repo, revision, file) => {
    expect(await parseReference(text)).toEqual({ kind: 'model', repo, revision, file });
  });

  it.each([
    './owner/name',
    '../owner/name',
    '/owner/name',
    '~/name',
    '~',
    'models',
    '',
    'runs/sft/model',
    'a/b/c/d.gguf',
    'owner\\name',
    'C:/name',
    'a//b/c',
  ])('takes %j for a path', async (text) => {
    expect(await parseReference(text)).toBeUndefined();
  });

  it('takes what exists for a path', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'gram-hub-'));
    const before = process.cwd();
    process.chdir(dir);
    await mkdir('owner/name@v1', { recursive: true });
    expect(await parseReference('owner/name@v1')).toBeUndefined();
    expect(await parseReference('owner/name')).toBeDefined();
    process.chdir(before);
    await rm(dir, { recursive: true });
  });

  it.each([
    'owner/',
    'x/',
    'owner/na me',
    'owner/na--me',
    'owner/a..b',
    'owner/name?x=1',
    'owner/name#x',
    'owner/%2e%2e',
    'owner/name@',
    'owner/name@../../x',
    'owner/name@a/../b',
    'owner/name@/x',
    'owner/name@a b',
    'owner/-name',
    'owner/name-',
    `owner/${'n'.repeat(97)}`,
    'owner/name/.gguf',
    'owner/name/a b.gguf',
    'owner/name\u0000',
  ])('refuses %j', async (text) => {
    await expect(parseReference(text)).rejects.toMatchObject({ code: 'bad-request' });
  });
});
