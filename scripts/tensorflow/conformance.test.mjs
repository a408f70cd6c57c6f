import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bundle, conformanceSuites, linkNative } from '../gpu-kit/bundle.mjs';
import { node22, PACKAGES, startIn } from './index.mjs';

const made = process.env.GRAM_TENSORFLOW;
const why = made === undefined ? " (TensorFlow is not here: 'npm run tensorflow' makes it)" : '';
const SHARED = ['@tensorflow/tfjs-core', '@tensorflow/tfjs-backend-cpu'];
const suites = conformanceSuites().map(({ out }) => out);
const versions = [
  ['the Node that runs', () => process.execPath],
  ['Node 22', () => node22(made)],
];

describe.skipIf(made === undefined)(`the device tensorflow of a library that was given${why}`, () => {
  let folder;
  afterAll(() => rmSync(folder, { recursive: true }));

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'gram-tensorflow-'));
    linkNative(folder);
    // The reference in JavaScript must be the one that the package brings along: parts of two copies do not work together.
    mkdirSync(join(folder, 'node_modules', '@tensorflow'));
    for (const name of SHARED) {
      symlinkSync(join(made, 'npm', 'node_modules', name), join(folder, 'node_modules', name));
    }
    await bundle(conformanceSuites(), folder, SHARED);
  }, 60_000);

  const cases = versions.flatMap(([version, node]) => PACKAGES.map((name) => [name, version, node]));

  it.each(cases)('conforms by %s on %s', { timeout: 600_000 }, (name, _, node) => {
    for (const suite of suites) {
      const { status, stdout, stderr } = spawnSync(node(), [join(folder, `${suite}.mjs`)], {
        cwd: startIn(made, name),
        encoding: 'utf8',
        env: { ...process.env, GRAM_KIT_DEVICE: 'tensorflow', TF_CPP_MIN_LOG_LEVEL: '2' },
      });
      expect(status, `${suite}: ${stderr}`).toBe(0);
      const { passed, failed } = JSON.parse(stdout.trimEnd().split('\n').at(-1));
      console.log(`${name}, ${suite}: ${passed} passed`);
      expect(failed).toBe(0);
      expect(passed).toBeGreaterThan(0);
    }
  });
});
