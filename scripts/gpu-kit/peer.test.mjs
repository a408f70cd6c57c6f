import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { root } from '../commands.mjs';
import { bundle, kitPrograms, linkNative } from './bundle.mjs';

// A Python with torch and transformers. Without the variable this is skipped.
const python = process.env.GRAM_PYTHON;

describe.skipIf(!python)('the kit beside PyTorch on the processor (GRAM_PYTHON)', () => {
  let folder;
  afterAll(() => rmSync(folder, { recursive: true }));

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'gram-peer-'));
    mkdirSync(join(folder, 'app'));
    linkNative(folder);
    copyFileSync(join(root, 'scripts/gpu-kit/peer.py'), join(folder, 'peer.py'));
    await bundle(kitPrograms(), join(folder, 'app'));
  });

  it('computes the first numbers of PyTorch, on the same weights and sequences', { timeout: 600_000 }, () => {
    const options = ['--device', 'cpu', '--configurations', 'tiny', '--precisions', 'float32'];
    const { status, stdout } = spawnSync(
      process.execPath,
      [join(folder, 'app/run.mjs'), ...options, '--conformance', 'none', '--python', python],
      { cwd: folder, encoding: 'utf8' },
    );
    expect(status, stdout).toBe(0);
    const rows = JSON.parse(readFileSync(join(folder, 'results.json'), 'utf8'));
    expect(rows.map(({ kind }) => kind)).toEqual(['train 1', 'train 2', 'score', 'generate', 'ppo']);
    for (const { kind, own, apart } of rows) {
      expect(own.first.length).toBeGreaterThan(0);
      // The kit allows 1e-3; on one processor float32 is closer.
      expect(apart, kind).toBeLessThan(1e-4);
    }
  });
});
