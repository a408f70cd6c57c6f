import { defineConfig } from 'tsup';

/** Shared by every package: one ESM bundle per entry, declarations and source maps. */
export default defineConfig({
  entry: ['src/index.ts'],
  format: 'esm',
  target: 'node20',
  dts: { compilerOptions: { paths: {} } },
  sourcemap: true,
  clean: true,
  treeshake: true,
});
