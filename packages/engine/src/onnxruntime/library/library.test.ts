import { readdirSync, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';
import koffi from 'koffi';
import { beforeAll, describe, expect, it } from 'vitest';
import { float32 } from '../../arrays/array.js';
import { EngineError } from '../../error.js';
import { call, created, getEnvironment, release } from '../environment.js';
import { handleOf } from '../values.js';
import { checkVersion, libraryFolder, loadLibrary, type Member, openLibrary } from './library.js';
import { members } from './members.js';

/** The members that library-sessions.test.ts tests: its compilation fails if one of them has no test there. */
const elsewhere = [
  'CreateSessionFromArray',
  'Run',
  'CreateSessionOptions',
  'EnableProfiling',
  'DisableMemPattern',
  'CreateRunOptions',
  'RunOptionsSetTerminate',
  'CreateTensorAsOrtValue',
  'CreateTensorWithDataAsOrtValue',
  'CreateMemoryInfo',
  'CreateCpuMemoryInfo',
  'AllocatorFree',
  'AddRunConfigEntry',
  'ReleaseMemoryInfo',
  'ReleaseSession',
  'ReleaseRunOptions',
  'ReleaseSessionOptions',
  'SessionEndProfiling',
  'DisablePerSessionThreads',
  'AddSessionConfigEntry',
  'CreateAllocator',
  'ReleaseAllocator',
  'RunWithBinding',
  'CreateIoBinding',
  'ReleaseIoBinding',
  'BindInput',
  'BindOutput',
  'AddInitializer',
  'CreateSessionFromArrayWithPrepackedWeightsContainer',
  'SynchronizeBoundOutputs',
  'AddExternalInitializers',
  'CopyTensors',
] as const satisfies readonly Member[];

export type SessionMember = (typeof elsewhere)[number];

/** The members that only a CUDA provider has a use for: cuda.cuda.test.ts tests them on the CUDA rig. */
type CudaMember =
  | 'UpdateCUDAProviderOptions'
  | 'CreateAndRegisterAllocatorV2'
  | 'RegisterExecutionProviderLibrary';

/** More than the threads that the library starts when nobody says how many. */
const threadsAsked = 2 * availableParallelism() + 8;
let threadsStarted = 0;

// What the process has of each. Other systems than Linux do not tell.
const onLinux = process.platform === 'linux';
const threadCount = () => (onLinux ? readdirSync('/proc/self/task').length : 0);
const addressSpace = () => Number(/VmSize:\s+(\d+) kB/.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]);

const api = () => loadLibrary().api;

/** Frees what was just made, often enough that the process would not outlive a wrong function. */
function freed(name: Member, make: () => unknown): void {
  for (let i = 0; i < 100; i++) expect(release(name, make())).toBeUndefined();
}

const status = (code: number, message: string) => {
  const made = api().CreateStatus(code, message);
  expect(made).not.toBeNull();
  return made;
};

/** Code and message of a status, which is freed. */
function contentOf(made: unknown): readonly [code: unknown, message: unknown] {
  const content = [api().GetErrorCode(made), api().GetErrorMessage(made)] as const;
  release('ReleaseStatus', made);
  return content;
}

const threading = () => created('CreateThreadingOptions');
const webgpuMemory = () => created('CreateMemoryInfo', 'WebGPU_Buf', 0, 0, 0);
const container = () => created('CreatePrepackedWeightsContainer');
const tensor = (size: number) =>
  created('CreateTensorAsOrtValue', getEnvironment().allocator, [BigInt(size)], 1, 1);

/** The process has one environment and counts who uses it. */
function secondEnvironment(): unknown {
  const options = threading();
  const made = created('CreateEnvWithGlobalThreadPools', 4, 'second', options);
  release('ReleaseThreadingOptions', options);
  return made;
}

/** Whether the environment that the adapter made still works. */
function expectEnvironment(): void {
  const register = () => call('CreateAndRegisterAllocator', getEnvironment().handle, webgpuMemory(), null);
  expect(register).toThrow('Only CPU devices are supported');
}

function availableProviders(): { names: string[]; pointer: unknown } {
  const list: unknown[] = [null];
  const count = [0];
  call('GetAvailableProviders', list, count);
  return { names: koffi.decode(list[0], koffi.array('str', count[0]!)) as string[], pointer: list[0] };
}

/** Null in builds of the library without CUDA, which refuse to make its options. */
function cudaOptions(): unknown {
  const out: unknown[] = [null];
  const refused = api().CreateCUDAProviderOptions(out);
  if (refused !== null) expect(contentOf(refused)[1]).toContain('CUDA execution provider is not enabled');
  else expect(out[0]).not.toBeNull();
  return out[0];
}

/**
 * One test for each member that library-sessions.test.ts does not test with a session: an effect that
 * another function in its place would not have.
 */
const tests: Record<Exclude<Member, SessionMember | CudaMember>, () => void> = {
  CreateStatus() {
    expect(contentOf(status(9, 'made here'))).toEqual([9, 'made here']);
  },
  GetErrorCode() {
    const made = [1, 5, 11].map((code) => status(code, 'numbered'));
    expect(made.map((each) => api().GetErrorCode(each))).toEqual([1, 5, 11]);
  },
  GetErrorMessage() {
    const texts = ['', 'naïve ✓', 'x'.repeat(1000)];
    const made = texts.map((text) => status(1, text));
    expect(made.map((each) => api().GetErrorMessage(each))).toEqual(texts);
  },
  ReleaseStatus() {
    freed('ReleaseStatus', () => status(1, 'freed'));
    release('ReleaseStatus', null);
  },
  GetTensorMutableData() {
    const array = float32(
      [20],
      Float32Array.from({ length: 20 }, (_, i) => i),
    );
    const address = created('GetTensorMutableData', handleOf(array));
    expect(koffi.decode(address, koffi.array('float', 20))).toEqual(array.data);
    array.data[3] = 33;
    expect(koffi.decode(address, 12, 'float')).toBe(33);
  },
  CreateThreadingOptions() {
    const [first, second] = [threading(), threading()];
    expect(first).not.toBe(second);
    for (const each of [first, second]) call('SetGlobalIntraOpNumThreads', each, 2);
  },
  ReleaseThreadingOptions: () => freed('ReleaseThreadingOptions', threading),
  SetGlobalIntraOpNumThreads() {
    const refused = () => call('SetGlobalIntraOpNumThreads', null, 1);
    expect(refused).toThrow('null OrtThreadingOptions');
    // The thread that calls is one of those that work.
    if (onLinux) expect(threadsStarted).toBeGreaterThanOrEqual(threadsAsked - 1);
  },
  SetGlobalSpinControl() {
    for (const allow of [0, 1]) call('SetGlobalSpinControl', threading(), allow);
    expect(() => call('SetGlobalSpinControl', threading(), 7)).toThrow('allow_spinning');
  },
  CreateEnvWithGlobalThreadPools() {
    const second = secondEnvironment();
    expect(second).toBe(getEnvironment().handle);
    release('ReleaseEnv', second);
  },
  ReleaseEnv() {
    freed('ReleaseEnv', secondEnvironment);
    expectEnvironment();
  },
  DisableTelemetryEvents() {
    call('DisableTelemetryEvents', getEnvironment().handle);
    expectEnvironment();
  },
  CreateAndRegisterAllocator() {
    const { handle, hostMemory } = getEnvironment();
    expectEnvironment();
    call('CreateAndRegisterAllocator', handle, hostMemory, null);
  },
  CreateArenaCfg() {
    const { handle, hostMemory } = getEnvironment();
    const arena = created('CreateArenaCfg', 0, 1, -1, -1);
    expect(arena).not.toBeNull();
    call('CreateAndRegisterAllocator', handle, hostMemory, arena);
    release('ReleaseArenaCfg', arena);
    // There is no such way of growing.
    const odd = () =>
      call('CreateAndRegisterAllocator', handle, hostMemory, created('CreateArenaCfg', 0, 7, -1, -1));
    expect(odd).toThrow('Invalid configuration');
  },
  ReleaseArenaCfg: () => freed('ReleaseArenaCfg', () => created('CreateArenaCfg', 0, 1, -1, -1)),
  AllocatorAlloc() {
    const { allocator } = getEnvironment();
    const size = 1 << 20;
    const pieces = [0, 1].map(() => created('AllocatorAlloc', allocator, size));
    const [first, second] = pieces.map((piece) => koffi.address(piece));
    const apart = first! > second! ? first! - second! : second! - first!;
    expect(apart).toBeGreaterThanOrEqual(BigInt(size));
    for (const piece of pieces) call('AllocatorFree', allocator, piece);
  },
  GetAllocatorWithDefaultOptions() {
    const allocator = created('GetAllocatorWithDefaultOptions');
    expect(allocator).not.toBeNull();
    // There is one, which belongs to the library.
    expect(allocator).toBe(getEnvironment().allocator);
  },
  ReleaseValue() {
    freed('ReleaseValue', () => tensor(1000));
    if (!onLinux) return;
    const size = 2 ** 30;
    const before = addressSpace();
    const grown = () => Math.round(((addressSpace() - before) * 1024) / size);
    const value = tensor(size / 4);
    expect(grown()).toBe(1);
    release('ReleaseValue', value);
    expect(grown()).toBe(0);
  },
  GetAvailableProviders() {
    expect(availableProviders().names).toContain('CPUExecutionProvider');
  },
  ReleaseAvailableProviders() {
    for (let i = 0; i < 100; i++) {
      const { names, pointer } = availableProviders();
      call('ReleaseAvailableProviders', pointer, names.length);
    }
  },
  CreatePrepackedWeightsContainer() {
    const [first, second] = [container(), container()];
    expect(first).not.toBeNull();
    expect(first).not.toBe(second);
  },
  ReleasePrepackedWeightsContainer: () => freed('ReleasePrepackedWeightsContainer', container),
  CreateCUDAProviderOptions() {
    const [first, second] = [cudaOptions(), cudaOptions()];
    if (first !== null) expect(first).not.toBe(second);
  },
  ReleaseCUDAProviderOptions: () => freed('ReleaseCUDAProviderOptions', cudaOptions),
  SessionOptionsAppendExecutionProvider() {
    const append = (...args: unknown[]) =>
      call('SessionOptionsAppendExecutionProvider', created('CreateSessionOptions'), ...args);
    expect(() => append('Unheard', ['key'], ['value'], 1)).toThrow("Unknown provider name 'Unheard'");
  },
  SessionOptionsAppendExecutionProvider_CUDA_V2() {
    const cuda = cudaOptions();
    const append = () =>
      call('SessionOptionsAppendExecutionProvider_CUDA_V2', created('CreateSessionOptions'), cuda);
    // Where its library lies beside, the machine decides whether it works.
    const present = readdirSync(libraryFolder()).some((name) => name.includes('providers_cuda'));
    if (!present) expect(append).toThrow(/cuda/i);
    release('ReleaseCUDAProviderOptions', cuda);
  },
};

describe('opening a library', () => {
  it('finds every member in the one that is installed', () => {
    const { api: found, path, version } = loadLibrary();
    expect(Object.keys(found)).toEqual(Object.keys(members));
    expect(version).toMatch(/^\d+\.\d+\.\d+/);
    expect(dirname(path)).toBe(libraryFolder());
  });

  it('says that there is none, whatever was loaded before', () => {
    loadLibrary();
    const missing = join(libraryFolder(), 'missing.so');
    const open = () => openLibrary(missing);
    expect(open).toThrow(expect.objectContaining({ code: 'runtime-missing' }));
    expect(open).toThrow(/cannot be loaded: .*No such file/);
  });
});

describe('the version of the library', () => {
  it.each(['1.24.0', '1.30.0', '2.0.0'])('%s is accepted', (version) => {
    expect(() => checkVersion(version, 'here')).not.toThrow();
  });

  it.each([
    ['1.23.2', 'ONNX Runtime 1.23.2 at here does not offer version 24 of its API'],
    ['0.99.0', 'does not offer version 24'],
    ['nonsense', 'its version cannot be read'],
  ])('%s is refused', (version, message) => {
    const check = () => checkVersion(version, 'here');
    expect(check).toThrow(EngineError);
    expect(check).toThrow(expect.objectContaining({ code: 'runtime-missing' }));
    expect(check).toThrow(message);
  });
});

describe('a member of the table', () => {
  beforeAll(() => {
    process.env.GRAM_THREADS = String(threadsAsked);
    const before = threadCount();
    getEnvironment();
    threadsStarted = threadCount() - before;
  });

  it.each(Object.keys(tests) as (keyof typeof tests)[])('%s', (name) => tests[name]());
});
