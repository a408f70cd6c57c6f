import { defineConfig } from 'tsup';
import shared from '../../tsup.config';

/** Threads are files of their own, beside the bundle that starts them. */
export default defineConfig({
  ...shared,
  entry: {
    index: 'src/index.ts',
    'arrival-thread': 'src/distributed/arrival/thread.ts',
    'encoding-thread': 'src/encoding/thread.ts',
  },
  dts: { entry: 'src/index.ts', compilerOptions: { paths: {} } },
});
