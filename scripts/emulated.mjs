// The tests of integers on a processor that this one is not: an emulated Haswell, which has AVX2 and no VNNI. ONNX Runtime
// takes other kernels there, in which signed 8-bit weights saturate. `node scripts/emulated.mjs` installs the emulator where
// it may; where it cannot, or where this processor has no VNNI itself, it says so.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './commands.mjs';

const emulator = 'qemu-x86_64';
const processor = 'Haswell';

/** Products of integers, what is built on them, one generation and one judgment; small models only. */
const suites = [
  'packages/engine/src/conformance/quantized.test.ts',
  'packages/engine/src/onnxruntime/int8-kernel.test.ts',
  'packages/model/src/quantize.test.ts',
  'packages/model/src/layers/linear.test.ts',
  'packages/model/src/generation/integers.test.ts',
  'packages/reward/src/sequences/run-sequences.test.ts',
  'packages/reward/src/judging/discriminative.test.ts',
  'packages/reward/src/devices.test.ts',
];

/** It measures the speed of the processor, which takes minutes when that is emulated. */
const leftOut = 'the profile counts';

const missing = unavailable();
if (missing !== undefined) {
  console.log(`Tests on an emulated processor without VNNI: skipped: ${missing}`);
} else {
  console.log(`Tests on an emulated ${processor}, without VNNI`);
  const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs');
  // One process for everything: a child would be started without the emulator.
  const options = [
    '--pool=threads',
    '--maxWorkers=1',
    '--no-isolate',
    '--testTimeout=300000',
    '--hookTimeout=300000',
  ];
  const { status } = spawnSync(
    emulator,
    [
      '-cpu',
      processor,
      process.execPath,
      vitest,
      'run',
      ...options,
      `--testNamePattern=^(?!.*${leftOut})`,
      ...suites,
    ],
    {
      cwd: root,
      // No GPU: its driver would be emulated too. The emulator warns of what else a Haswell has.
      env: { ...process.env, GRAM_EMULATED: processor, VK_ICD_FILENAMES: '', VK_DRIVER_FILES: '' },
      stdio: ['ignore', 'inherit', 'ignore'],
    },
  );
  process.exitCode = status ?? 1;
}

/** Why there is no emulator; undefined where it works. */
function unavailable() {
  if (process.platform !== 'linux' || process.arch !== 'x64') return `it needs Linux on x64`;
  const works = () => spawnSync(emulator, ['--version'], { stdio: 'ignore' }).status === 0;
  if (works()) return undefined;
  if (process.getuid() !== 0 || !existsSync('/usr/bin/apt-get')) {
    return 'it can be installed as root of a Debian system only';
  }
  const apt = { stdio: 'ignore', env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' } };
  spawnSync('apt-get', ['update'], apt);
  spawnSync('apt-get', ['install', '--yes', '--no-install-recommends', 'qemu-user'], apt);
  return works() ? undefined : 'apt-get install qemu-user failed';
}
