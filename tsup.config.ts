import { createRequire } from 'node:module';
import { defineConfig, type Options } from 'tsup';

const TENSORFLOW = '@tensorflow/tfjs-core';
const IS_TENSORFLOW = /^@tensorflow\/tfjs-core$/;

/**
 * Loads TensorFlow.js with `require`. It is one CommonJS file, in which Node looks for the names of exports before it runs an `import`:
 * that takes five times as long as the file itself. The module is the same one that others import.
 */
const requireTensorFlow: NonNullable<Options['esbuildPlugins']>[number] = {
  name: 'require-tensorflow',
  setup(build) {
    build.onResolve({ filter: IS_TENSORFLOW }, ({ path }) => ({ path, namespace: 'required' }));
    build.onLoad({ filter: IS_TENSORFLOW, namespace: 'required' }, () => {
      const names = Object.keys(createRequire(import.meta.url)(TENSORFLOW));
      return {
        contents: [
          "import { createRequire } from 'node:module';",
          `const module = createRequire(import.meta.url)('${TENSORFLOW}');`,
          ...names.map((name) => `export const ${name} = /* @__PURE__ */ (() => module.${name})();`),
        ].join('\n'),
        resolveDir: '.',
      };
    });
  },
};

/** Shared by every package: one ESM bundle per entry, declarations and source maps. */
export default defineConfig({
  entry: ['src/index.ts'],
  format: 'esm',
  target: 'node20',
  dts: { compilerOptions: { paths: {} } },
  sourcemap: true,
  clean: true,
  treeshake: true,
  noExternal: [IS_TENSORFLOW],
  esbuildPlugins: [requireTensorFlow],
}) as Options;
