import { defineConfig } from 'tsup';
import shared from '../../tsup.config';

/** The thread that counts tokens is a file of its own, beside the bundle that starts it. */
export default defineConfig({
  ...shared,
  entry: { index: 'src/index.ts', 'counting-thread': 'src/counting/thread.ts' },
  dts: { entry: 'src/index.ts', compilerOptions: { paths: {} } },
});
