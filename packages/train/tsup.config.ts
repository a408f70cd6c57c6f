import { defineConfig } from 'tsup';
import shared from '../../tsup.config';

/** The thread that watches ranks arrive is a file of its own, beside the bundle that starts it. */
export default defineConfig({
  ...shared,
  entry: { index: 'src/index.ts', 'arrival-thread': 'src/distributed/arrival/thread.ts' },
  dts: { entry: 'src/index.ts', compilerOptions: { paths: {} } },
});
