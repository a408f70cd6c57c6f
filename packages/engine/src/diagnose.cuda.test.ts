import { execFile, execFileSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, describe, expect, it } from 'vitest';
import { missingRig } from './testing/cuda-rig.js';

const libraries = process.env.GRAM_CUDA_RIG ?? '';
const runtime = process.env.GRAM_CUDA_RIG_RUNTIME ?? '';
const engine = fileURLToPath(new URL('../dist/index.js', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'gram-broken-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const [PROVIDER, SHARED] = ['libonnxruntime_providers_cuda.so', 'libonnxruntime_providers_shared.so'];

/** A folder with links to the files of another one, without those that match. */
function linked(source: string, without: RegExp): string {
  const target = mkdtempSync(join(folder, 'links-'));
  for (const name of readdirSync(source)) {
    if (/\.so(\.[\d.]+)?$/.test(name) && !without.test(name))
      symlinkSync(join(source, name), join(target, name));
  }
  return target;
}

const NOTHING = /^$/;

/** NVIDIA's libraries as the linker finds them, without some. */
const librariesWithout = (names: RegExp) => ({ LD_LIBRARY_PATH: linked(libraries, names) });

/** ONNX Runtime with another CUDA provider, which holds a version and needs some libraries. */
function otherProvider(version: string, needed: readonly string[]): string {
  const target = linked(runtime, /providers_cuda/);
  const source = join(target, 'provider.c');
  writeFileSync(source, `const char version[] = "\\0" "${version}";\n`);
  const stubs = needed.map((name) => {
    execFileSync('cc', [
      '-shared',
      '-o',
      join(target, 'stub.so'),
      '-x',
      'c',
      '/dev/null',
      `-Wl,-soname,${name}`,
    ]);
    copyFileSync(join(target, 'stub.so'), join(target, `stub-${name}`));
    return join(target, `stub-${name}`);
  });
  execFileSync('cc', [
    '-shared',
    '-fPIC',
    '-o',
    join(target, PROVIDER),
    source,
    '-Wl,--no-as-needed',
    ...stubs,
  ]);
  return target;
}

/** CUDA 12 beside or in the place of the libraries of CUDA 13. */
function withCuda12(without: RegExp): string {
  const target = linked(libraries, without);
  copyFileSync(join(libraries, 'libcudart.so.13'), join(target, 'libcudart.so.12'));
  return target;
}

interface Setup {
  readonly name: string;
  readonly env: () => NodeJS.ProcessEnv;
  readonly reason: RegExp;
  readonly fix: RegExp;
}

const setups: readonly Setup[] = [
  {
    name: 'no provider',
    env: () => ({ GRAM_ONNXRUNTIME: linked(runtime, /providers_cuda/) }),
    reason: /^the CUDA provider is not installed: there is no \S+libonnxruntime_providers_cuda\.so$/,
    fix: /^pip install --no-deps --target gram-cuda onnxruntime-gpu==1\.\d+\.\d+ && export GRAM_ONNXRUNTIME=/,
  },
  {
    name: 'no part that providers share',
    env: () => ({ GRAM_ONNXRUNTIME: linked(runtime, /providers_shared/) }),
    reason: new RegExp(`^the CUDA provider is not installed: there is no \\S+${SHARED}$`),
    fix: /^pip install/,
  },
  {
    name: 'a provider of another version',
    env: () => ({ GRAM_ONNXRUNTIME: otherProvider('1.22.0', []) }),
    reason: /^the CUDA provider at \S+ is not of version 1\.\d+\.\d+, which ONNX Runtime has$/,
    fix: /^pip install/,
  },
  {
    name: 'no driver',
    env: () => librariesWithout(/libcuda\./),
    reason: /^there is no driver of an NVIDIA GPU: libcuda\.so\.1 is not found$/,
    fix: /^apt-get install nvidia-driver/,
  },
  {
    name: 'a driver that is too old',
    env: () => ({ RIG_DRIVER: '12080' }),
    reason: /^the driver of the GPU knows CUDA 12\.8, and the provider needs CUDA 13\.0$/,
    fix: /^install a newer driver: apt-get install nvidia-driver/,
  },
  {
    name: 'no device',
    env: () => ({ RIG_DEVICES: '0' }),
    reason: /^the driver finds no NVIDIA GPU$/,
    fix: /nvidia-smi/,
  },
  {
    name: 'devices that are hidden',
    env: () => ({ CUDA_VISIBLE_DEVICES: '' }),
    reason: /^CUDA_VISIBLE_DEVICES leaves this process no GPU: it is ''$/,
    fix: /^unset CUDA_VISIBLE_DEVICES, or start no more processes/,
  },
  {
    name: 'a rank beyond the number of devices',
    env: () => ({ CUDA_VISIBLE_DEVICES: '3', RIG_DEVICES: '2' }),
    reason: /^CUDA_VISIBLE_DEVICES leaves this process no GPU: it is '3'$/,
    fix: /no more processes on a machine than it has GPUs$/,
  },
  {
    name: 'no cuBLAS',
    env: () => librariesWithout(/libcublas\./),
    reason: /^the CUDA provider needs libcublas\.so\.13, which is not found$/,
    fix: /^apt-get install cuda-libraries-13-0, or add the folder that has libcublas\.so\.13 to LD_LIBRARY_PATH$/,
  },
  {
    name: 'no cuDNN',
    env: () => librariesWithout(/libcudnn/),
    reason: /^cuDNN 9 is not installed: libcudnn\.so\.9 is not found$/,
    fix: /^apt-get install cudnn9-cuda-13$/,
  },
  {
    name: 'CUDA 12 and a provider for CUDA 13',
    env: () => ({ LD_LIBRARY_PATH: withCuda12(/cublas|curand|cudart/) }),
    reason:
      /needs lib\w+\.so\.1\d, which is not found; CUDA 12 is there, and the provider is built for CUDA 13$/,
    fix: /^apt-get install cuda-libraries-13-0/,
  },
  {
    name: 'CUDA 13 and a provider for CUDA 12',
    env: () => ({ GRAM_ONNXRUNTIME: otherProvider(version(), ['libcublas.so.12', 'libcudart.so.12']) }),
    reason:
      /needs libcublas\.so\.12, which is not found; CUDA 13 is there, and the provider is built for CUDA 12$/,
    fix: /^apt-get install cuda-libraries-12-0/,
  },
  {
    name: 'libraries that compute nothing',
    env: () => ({}),
    reason: /^the device 'cuda' computes wrong products: a sum is \S+, and should be \S+$/,
    fix: /^update its driver/,
  },
];

const version = () => /libonnxruntime\.so\.(\d+\.\d+\.\d+)/.exec(readdirSync(runtime).join())?.[1] ?? '';

describe.skipIf(missingRig)(`diagnose() with a broken CUDA${missingRig ? ` (${missingRig})` : ''}`, () => {
  it.each(setups)('names the cause and one command: $name', async ({ env, reason, fix }) => {
    const program = `
      const { diagnose } = await import(${JSON.stringify(engine)});
      console.log(JSON.stringify((await diagnose()).find(({ device }) => device === 'cuda')));`;
    const { CUDA_VISIBLE_DEVICES: _, ...outside } = process.env;
    const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', program], {
      env: { ...outside, GRAM_ONNXRUNTIME: runtime, LD_LIBRARY_PATH: linked(libraries, NOTHING), ...env() },
    });
    const report = JSON.parse(stdout.trim().split('\n').at(-1) as string);
    expect(report).toMatchObject({ works: false });
    expect(report.reason).toMatch(reason);
    expect(report.fix).toMatch(fix);
    expect(`${report.reason}${report.fix}`).not.toContain('\n');
    expect(report.reason.length).toBeLessThan(250);
  });
});
