import { fileURLToPath } from 'node:url';
import { defineConfig, type Plugin } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';
import { testCache } from './vitest.cache.js';

/**
 * Finds the packages of the repository. A test reads its own package from the sources, always; the others from their sources
 * too, so that tests need no build, or from what is built. `npm test` builds first and sets `GRAM_TEST_BUILT=1`: bundles
 * load in a fifth of the time.
 */
function ownPackages(isBuilt: boolean): Plugin {
  return {
    name: 'own-packages',
    enforce: 'pre',
    resolveId(id, importer) {
      const [, scoped, entry = 'index'] = /^@gram\/([a-z]+)(?:\/([a-z]+))?$/.exec(id) ?? [];
      const name = id === 'create-gram' ? id : scoped;
      if (name === undefined) return undefined;
      const fromSources = !isBuilt || importer?.includes(`/packages/${name}/src/`);
      const path = fromSources ? `src/${entry}.ts` : `dist/${entry}.js`;
      return fileURLToPath(new URL(`./packages/${name}/${path}`, import.meta.url));
    },
  };
}

/** Tests of threads, of memory, or with a module of Node replaced: each file in a process of its own, on all threads. */
const isolated = [
  'packages/base/src/files/atomic.test.ts',
  'packages/cli/src/commands/adapt-judge.test.ts',
  'packages/engine/src/**/*.test.ts',
  'packages/model/src/hub/cache.test.ts',
  'packages/model/src/hub/resolve-model.test.ts',
  'packages/ppo/src/run/resume.test.ts',
  'packages/reward/src/smollm2.test.ts',
  'packages/run/src/watch/watch.test.ts',
  'packages/tokenize/src/chat/rendering/process.test.ts',
  'packages/train/src/trainer.test.ts',
];

/** Tests on the CUDA rig, each file in a process of its own: a process has one ONNX Runtime. */
const onRig = ['packages/*/src/**/*.cuda.test.ts'];

/** Tests that start processes again and again: begun last, one of them would run alone at the end. */
const long = /\/(kill|eval-kill|communicator|resume)\.test\.ts$/;

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const isShort = ({ moduleId }: TestSpecification) => Number(!long.test(moduleId));
    return (await super.sort(files)).toSorted((a, b) => isShort(a) - isShort(b));
  }
}

const env = { GRAM_CACHE: testCache };

export default defineConfig({
  test: {
    globalSetup: [
      './scripts/software-gpu.mjs',
      './scripts/cuda-rig/index.mjs',
      './scripts/tensorflow/index.mjs',
      './vitest.cache.ts',
    ],
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 60_000,
    unstubEnvs: true,
    sequence: { sequencer: LongestFirst },
    server: { deps: { external: [/\/packages\/[a-z-]+\/dist\//] } },
    projects: [
      {
        extends: true,
        plugins: [ownPackages(false)],
        test: { name: 'isolated', include: isolated, exclude: onRig, env },
      },
      {
        extends: true,
        plugins: [ownPackages(process.env.GRAM_TEST_BUILT === '1')],
        test: { name: 'cuda-rig', include: onRig, env },
      },
      {
        extends: true,
        plugins: [ownPackages(process.env.GRAM_TEST_BUILT === '1')],
        test: {
          name: 'shared',
          include: [
            'packages/*/src/**/*.test.ts',
            'bench/**/*.test.mjs',
            'examples/**/*.test.mjs',
            'scripts/**/*.test.mjs',
          ],
          exclude: ['**/node_modules/**', '**/dist/**', ...isolated, ...onRig],
          isolate: false,
          // Two files are tested at a time: threads that wait for each other would take most of the time of both.
          env: { ...env, GRAM_THREADS: '1' },
        },
      },
    ],
  },
});
