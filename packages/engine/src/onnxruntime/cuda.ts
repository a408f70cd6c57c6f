import { closeSync, existsSync, openSync, readSync } from 'node:fs';
import { join } from 'node:path';
import koffi, { type LibraryHandle } from 'koffi';
import { EngineError } from '../error.js';
import { neededLibraries } from './elf.js';
import { call, created, getEnvironment, release } from './environment.js';
import { libraryFolder } from './library/library.js';

/** Name of CUDA's memory in ONNX Runtime. */
export const CUDA_MEMORY = 'Cuda';

const FILES = { linux: 'libonnxruntime_providers_cuda.so', win32: 'onnxruntime_providers_cuda.dll' };
const SHARED = { linux: 'libonnxruntime_providers_shared.so', win32: 'onnxruntime_providers_shared.dll' };
const CUDNN = 'libcudnn.so.9';
const EXTEND_AS_REQUESTED = 1;
const BY_DEFAULT = -1;

/** A CUDA whose libraries, driver and device were found to be usable. */
export interface Cuda {
  /** Path of ONNX Runtime's CUDA provider. */
  readonly provider: string;
  /** Number of visible devices; undefined where it was not asked for, as on Windows. */
  readonly devices: number | undefined;
  /** The CUDA runtime; undefined where it was not looked for, as on Windows. */
  readonly runtime: LibraryHandle | undefined;
  /** Libraries that have to stay loaded. koffi unloads what is collected. */
  readonly handles: readonly LibraryHandle[];
}

let found: Cuda | undefined;

/**
 * Finds the CUDA provider and everything that it needs.
 *
 * @throws {EngineError} `device-unavailable` with the first thing that is missing or does not fit, and one command that adds it
 */
export function findCuda(): Cuda {
  found ??= search(process.platform, process.arch);
  return found;
}

/** Checks that the process sees a device of a number. @throws {EngineError} `device-unavailable` */
export function checkIndex({ devices }: Cuda, index: number): void {
  if (devices === undefined || index < devices) return;
  throw unavailable(
    `there is no device 'cuda:${index}': this process sees ${devices === 1 ? '1 GPU' : `${devices} GPUs`}, counted from 0`,
    devices === 1 ? "use 'cuda'" : `use 'cuda' or one up to 'cuda:${devices - 1}'`,
  );
}

function search(platform: NodeJS.Platform, arch: string): Cuda {
  const file = FILES[platform as 'linux'];
  if (file === undefined || arch !== 'x64') {
    throw unavailable(`there is no CUDA for ${platform}-${arch}`, 'use another device');
  }
  const folder = libraryFolder();
  const provider = join(folder, file);
  const { version } = getEnvironment().library;
  for (const path of [join(folder, SHARED[platform as 'linux']), provider]) {
    if (!existsSync(path))
      throw unavailable(`the CUDA provider is not installed: there is no ${path}`, installation(version));
  }
  if (!hasVersion(provider, version)) {
    throw unavailable(
      `the CUDA provider at ${provider} is not of version ${version}, which ONNX Runtime has`,
      installation(version),
    );
  }
  // Windows names a missing library in a dialog or not at all.
  if (platform !== 'linux') return { provider, devices: undefined, runtime: undefined, handles: [] };
  const libraries = loadLibraries(provider);
  const runtime = [...libraries].find(([name]) => name.startsWith('libcudart.'))?.[1];
  return {
    provider,
    devices: runtime === undefined ? undefined : countDevices(runtime),
    runtime,
    handles: [...libraries.values()],
  };
}

const installation = (version: string) =>
  process.platform === 'win32'
    ? 'put the CUDA libraries of the same release of ONNX Runtime into the folder of onnxruntime.dll'
    : `pip install --no-deps --target gram-cuda onnxruntime-gpu==${version} && export GRAM_ONNXRUNTIME=$PWD/gram-cuda/onnxruntime/capi`;

/**
 * Loads the libraries that the provider needs, the driver's first, and cuDNN, which the provider loads as it runs. The provider
 * itself is the runtime's to load, which prepares the part that all providers share before.
 */
function loadLibraries(provider: string): Map<string, LibraryHandle> {
  const needed = neededLibraries(provider).filter((name) => /^lib(cu|nv)/.test(name));
  const isDriver = (name: string) => Number(name.startsWith('libcuda.'));
  const names = [...needed.sort((a, b) => isDriver(b) - isDriver(a)), CUDNN];
  const loaded = new Map<string, LibraryHandle>();
  for (const name of names) {
    try {
      loaded.set(name, koffi.load(name));
    } catch (cause) {
      throw linkError(name, needed, cause);
    }
  }
  return loaded;
}

/** Says which library is missing, which package has it, and whether CUDA is there in another version. */
function linkError(name: string, needed: readonly string[], cause: unknown): EngineError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  if (!reason.includes('cannot open shared object file')) {
    return unavailable(
      `the CUDA provider needs ${name}, which cannot be loaded: ${reason}`,
      'install it again',
      cause,
    );
  }
  // A library that is there may lack another one, which the message names then.
  const library = /(lib[\w.+-]+\.so[\w.]*): cannot open/.exec(reason)?.[1] ?? name;
  if (library.startsWith('libcuda.so')) {
    return unavailable(
      `there is no driver of an NVIDIA GPU: ${library} is not found`,
      'apt-get install nvidia-driver, or start the container with --gpus all',
      cause,
    );
  }
  const own = versionOf(needed);
  if (library.startsWith('libcudnn')) {
    return unavailable(
      `cuDNN 9 is not installed: ${library} is not found`,
      `apt-get install cudnn9-cuda-${own}`,
      cause,
    );
  }
  const other = [12, 13].find((version) => version !== own && loads(`libcudart.so.${version}`));
  const seen =
    other === undefined ? '' : `; CUDA ${other} is there, and the provider is built for CUDA ${own}`;
  return unavailable(
    `the CUDA provider needs ${library}, which is not found${seen}`,
    `apt-get install cuda-libraries-${own}-0, or add the folder that has ${library} to LD_LIBRARY_PATH`,
    cause,
  );
}

/** Version of CUDA that a provider is built for, which the name of the runtime's library ends in. */
function versionOf(needed: readonly string[]): number {
  const runtime = needed.find((name) => name.startsWith('libcudart.so.'));
  return Number(runtime?.slice('libcudart.so.'.length) ?? 13);
}

function loads(library: string): boolean {
  try {
    koffi.load(library).unload();
    return true;
  } catch {
    return false;
  }
}

/** Counts the devices that the process may use, and checks that the driver is new enough. */
function countDevices(runtime: LibraryHandle): number {
  const numberFrom = (name: string) => {
    const out = [0];
    // koffi's types know no parameters and results.
    const status = (runtime.func(`int ${name}(_Out_ int* out)`) as unknown as (out: number[]) => number)(out);
    return { status, value: out[0] as number };
  };
  const [driver, own] = [numberFrom('cudaDriverGetVersion').value, numberFrom('cudaRuntimeGetVersion').value];
  const { status, value: devices } = numberFrom('cudaGetDeviceCount');
  // A driver also runs programs for later releases of its own major version.
  if (driver > 0 && Math.floor(driver / 1000) < Math.floor(own / 1000)) {
    throw unavailable(
      `the driver of the GPU knows CUDA ${written(driver)}, and the provider needs CUDA ${written(own)}`,
      'install a newer driver: apt-get install nvidia-driver, or the one of the host of the container',
    );
  }
  if (status !== 0 || devices < 1) {
    const visible = process.env.CUDA_VISIBLE_DEVICES;
    throw visible === undefined
      ? unavailable(
          'the driver finds no NVIDIA GPU',
          'see what nvidia-smi lists; start a container with --gpus all',
        )
      : unavailable(
          `CUDA_VISIBLE_DEVICES leaves this process no GPU: it is '${visible.slice(0, 200)}'`,
          'unset CUDA_VISIBLE_DEVICES, or start no more processes on a machine than it has GPUs',
        );
  }
  return devices;
}

const written = (version: number) => `${Math.floor(version / 1000)}.${Math.floor((version % 1000) / 10)}`;

/** Tells whether a file holds a version as a string of its own. The provider has that of the runtime it was built with. */
function hasVersion(path: string, version: string): boolean {
  const wanted = Buffer.from(`\0${version}\0`);
  const chunk = Buffer.alloc(1 << 22);
  const file = openSync(path, 'r');
  try {
    let kept = 0;
    for (;;) {
      const read = readSync(file, chunk, kept, chunk.length - kept, null);
      if (read === 0) return false;
      const filled = chunk.subarray(0, kept + read);
      if (filled.includes(wanted)) return true;
      // The string may lie across two chunks.
      kept = Math.min(wanted.length, filled.length);
      chunk.copyWithin(0, filled.length - kept, filled.length);
    }
  } finally {
    closeSync(file);
  }
}

const registered = new Set<number>();

/**
 * Makes the environment of the process copy to and from CUDA's memory, and gives all sessions one allocator on a device. A
 * session would otherwise keep an arena of its own, which holds the largest run that it has ever had.
 */
export function registerCuda({ provider }: Cuda, device: number, memory: unknown): void {
  if (registered.has(device)) return;
  const { handle } = getEnvironment();
  const arena = created('CreateArenaCfg', 0, EXTEND_AS_REQUESTED, BY_DEFAULT, BY_DEFAULT);
  try {
    // Before the library, which would register an allocator without an arena.
    call('CreateAndRegisterAllocatorV2', handle, 'CUDAExecutionProvider', memory, arena, [], [], 0);
  } finally {
    release('ReleaseArenaCfg', arena);
  }
  if (registered.size === 0) call('RegisterExecutionProviderLibrary', handle, 'cuda', provider);
  registered.add(device);
}

function unavailable(message: string, hint: string, cause?: unknown): EngineError {
  return new EngineError('device-unavailable', message, hint, { cause });
}
