import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, vi } from 'vitest';
import { type FakeFile, FakeHub } from './fake-hub.js';

export const COMMIT = 'a'.repeat(40);
export const OTHER = 'b'.repeat(40);

export const text = (content: string): FakeFile => ({ bytes: Buffer.from(content) });

export const weights = (length: number, seed = 1): FakeFile => ({
  bytes: Uint8Array.from({ length }, (_, i) => (i * 31 + seed * 17 + (i >> 8)) & 255),
  lfs: true,
});

export const indexOf = (...shards: string[]): FakeFile =>
  text(JSON.stringify({ weight_map: Object.fromEntries(shards.map((shard, i) => [`tensor.${i}`, shard])) }));

/** A repository with everything that a model may need, and more. */
export const model: Record<string, FakeFile> = {
  'README.md': text('# A model'),
  'config.json': text('{"model_type":"llama"}'),
  'generation_config.json': text('{}'),
  'gram.json': text('{"format":1}'),
  'model.safetensors': weights(300_000),
  'tokenizer.json': text('{"model":{}}'),
  'tokenizer_config.json': text('{"a":1}'),
  'special_tokens_map.json': text(''),
  'chat_template.jinja': text('{{ messages }}'),
  'pytorch_model.bin': weights(1000),
  'modeling.py': text('import os'),
  'model-q4.gguf': weights(2000),
};

/** What of it must arrive. */
export const needed = Object.keys(model).filter((name) => !/README|\.bin|\.py|\.gguf/.test(name));

export async function expectContent(
  dir: string,
  files: Record<string, FakeFile>,
  names: readonly string[],
): Promise<void> {
  expect((await readdir(dir)).sort()).toEqual([...names].sort());
  for (const name of names) {
    expect(Buffer.compare(await readFile(join(dir, name)), files[name]!.bytes), name).toBe(0);
  }
}

/** A hub and an empty cache for each test of a file. */
export class TestHub extends FakeHub {
  root = '';

  serve(files: Record<string, FakeFile>, options: { token?: string; gated?: boolean } = {}): void {
    this.repos['owner/name'] = { commits: { [COMMIT]: files }, refs: { main: COMMIT }, ...options };
  }

  /** The folder of `owner/name` in the cache. */
  get storageFolder(): string {
    return join(this.root, 'cache', 'models--owner--name');
  }

  snapshot(commit = COMMIT): string {
    return join(this.storageFolder, 'snapshots', commit);
  }

  blobs(): Promise<string[]> {
    return readdir(join(this.storageFolder, 'blobs'));
  }
}

/** Gives each test of a file its own hub and cache. */
export function useTestHub(): { readonly hub: TestHub } {
  const state = { hub: new TestHub() };
  beforeEach(async () => {
    state.hub = new TestHub();
    state.hub.root = await mkdtemp(join(tmpdir(), 'gram-hub-'));
    await state.hub.start();
    vi.stubEnv('HF_ENDPOINT', `${state.hub.url}/`);
    vi.stubEnv('HF_HUB_CACHE', join(state.hub.root, 'cache'));
    vi.stubEnv('HF_TOKEN', '');
  });
  afterEach(async () => {
    vi.unstubAllEnvs();
    await state.hub.stop();
    await rm(state.hub.root, { recursive: true });
  });
  return state;
}
