import { defineConfig } from 'tsup';
import shared from '../../tsup.config';

const chainedOperations = '@tensorflow/tfjs-core/dist/public/chained_ops/register_all_chained_ops.js';

/** The build of the engine contains the modules of TensorFlow.js that `src/tensorflow/registrations.ts` imports. */
export default defineConfig({
  ...shared,
  entry: ['src/index.ts', 'src/testing.ts'],
  noExternal: [/^@tensorflow\/tfjs-core(\/dist\/|$)/],
  // The types of `x.add(y)`, which the bundled declarations lose.
  dts: { compilerOptions: { paths: {} }, banner: `import '${chainedOperations}';` },
});
