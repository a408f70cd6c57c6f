// Bundles programs and the engine's conformance tests from the sources, each into one file that Node runs without vitest and without
// our packages: app/vitest.mjs stands in for the part of vitest that the tests use.
import { mkdirSync, readdirSync, realpathSync, symlinkSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, join } from 'node:path';
import { root } from '../commands.mjs';

const app = join(root, 'scripts', 'gpu-kit', 'app');
const CONFORMANCE = join(root, 'packages', 'engine', 'src', 'conformance');

/** The programs of the kit, to be bundled. */
export function kitPrograms() {
  const programs = readdirSync(app).filter((name) => name !== 'vitest.mjs');
  return programs.map((name) => ({ in: join(app, name), out: basename(name, '.mjs') }));
}

/** The suites of conformance tests, to be bundled: `conformance-NAME.mjs` runs those of the device GRAM_KIT_DEVICE. */
export function conformanceSuites() {
  const tests = readdirSync(CONFORMANCE).filter((name) => name.endsWith('.test.ts'));
  return tests.map((name) => ({
    in: join(CONFORMANCE, name),
    out: `conformance-${basename(name, '.test.ts')}`,
  }));
}

/**
 * Bundles entries into a folder. Packages with native code are found there when a bundle runs.
 *
 * @param shared packages that are found there as well, because others there use them
 */
export async function bundle(entryPoints, outdir, shared = []) {
  const { build } = await esbuild();
  await build({
    ...{ entryPoints, outdir, outExtension: { '.js': '.mjs' } },
    ...{
      bundle: true,
      splitting: true,
      platform: 'node',
      format: 'esm',
      target: 'node20',
      logLevel: 'error',
    },
    external: ['koffi', 'onnxruntime-node', '@tensorflow/tfjs-node', '@tensorflow/tfjs-node-gpu'],
    banner: {
      js: "import { createRequire as makeRequire } from 'node:module'; const require = makeRequire(import.meta.url);",
    },
    plugins: [
      { name: 'shared', setup: (build) => leaveOut(build, shared) },
      { name: 'gram', setup: resolveOwn },
    ],
  });
}

/** Leaves packages out of bundles, but not files of theirs. */
function leaveOut(build, names) {
  for (const name of names) {
    build.onResolve({ filter: new RegExp(`^${name}$`) }, () => ({ path: name, external: true }));
  }
}

/** Links the packages with native code into a folder, for bundles in it. */
export function linkNative(folder) {
  mkdirSync(join(folder, 'node_modules'));
  const packages = {
    koffi: 'packages/engine/node_modules/koffi',
    'onnxruntime-node': 'node_modules/onnxruntime-node',
  };
  for (const [name, path] of Object.entries(packages)) {
    symlinkSync(realpathSync(join(root, path)), join(folder, 'node_modules', name));
  }
}

/** Finds our packages in their sources, and small programs in the place of what the kit has not. */
function resolveOwn(build) {
  const vitest = realpathSync(join(root, 'node_modules/vitest'));
  build.onResolve({ filter: /^vitest$/ }, () => ({ path: join(app, 'vitest.mjs') }));
  // Packages that others bring along are found from there.
  const from = (resolveDir) => (args) =>
    args.pluginData ? undefined : build.resolve(args.path, { resolveDir, kind: args.kind, pluginData: true });
  build.onResolve({ filter: /^@vitest\/expect$/ }, from(vitest));
  build.onResolve({ filter: /^@gram\/engine\/testing$/ }, () => ({
    path: join(root, 'packages/engine/src/testing.ts'),
  }));
  build.onResolve({ filter: /^@gram\/[a-z]+$/ }, ({ path }) => ({
    path: join(root, 'packages', path.slice('@gram/'.length), 'src/index.ts'),
  }));
  // No text is read: programs give token ids.
  build.onResolve({ filter: /^tokenizers$/ }, ({ path }) => ({ path, namespace: 'none' }));
  build.onLoad({ filter: /.*/, namespace: 'none' }, () => ({ contents: 'export class Tokenizer {}' }));
}

/** esbuild, which tsup brings along. */
async function esbuild() {
  const tsup = createRequire(join(root, 'package.json')).resolve('tsup');
  return import(createRequire(tsup).resolve('esbuild'));
}
