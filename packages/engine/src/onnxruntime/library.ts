import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import koffi, { type LibraryHandle } from 'koffi';
import { EngineError } from '../error.js';

/** The highest member of the API table that we call was there in this version of the API. */
const apiVersion = 20;

/** Members of `struct OrtApi` (onnxruntime_c_api.h, append-only): index, result, parameters. */
const members = {
  GetErrorMessage: [2, 'str', 'void* status'],
  CreateSessionFromArray: [8, 'void*', 'void* env, void* data, size_t n, void* options, _Out_ void** out'],
  Run: [
    9,
    'void*',
    'void* session, void* run_options, str* input_names, void** inputs, size_t n_inputs, str* output_names, size_t n_outputs, void** outputs',
  ],
  CreateSessionOptions: [10, 'void*', '_Out_ void** out'],
  EnableProfiling: [14, 'void*', 'void* options, str prefix'],
  DisableMemPattern: [17, 'void*', 'void* options'],
  CreateTensorWithDataAsOrtValue: [
    49,
    'void*',
    'void* memory_info, void* data, size_t bytes, int64_t* shape, size_t rank, int type, _Out_ void** out',
  ],
  CreateCpuMemoryInfo: [69, 'void*', 'int allocator_type, int memory_type, _Out_ void** out'],
  ReleaseStatus: [93, 'void', 'void* status'],
  ReleaseSession: [95, 'void', 'void* session'],
  ReleaseValue: [96, 'void', 'void* value'],
  ReleaseSessionOptions: [100, 'void', 'void* options'],
  CreateEnvWithGlobalThreadPools: [119, 'void*', 'int log_level, str id, void* threading, _Out_ void** out'],
  DisablePerSessionThreads: [120, 'void*', 'void* options'],
  CreateThreadingOptions: [121, 'void*', '_Out_ void** out'],
  ReleaseThreadingOptions: [122, 'void', 'void* threading'],
  AddSessionConfigEntry: [130, 'void*', 'void* options, str key, str value'],
  CreateAndRegisterAllocator: [144, 'void*', 'void* env, void* memory_info, void* arena_config'],
  SetGlobalIntraOpNumThreads: [147, 'void*', 'void* threading, int n'],
} as const satisfies Record<string, readonly [number, string, string]>;

type Member = keyof typeof members;

/** A C function: callable, and callable off the JavaScript thread. */
export type NativeFunction = ((...args: unknown[]) => unknown) & {
  async: (...args: unknown[]) => void;
};

/** The functions of ONNX Runtime that the adapter uses, by name. */
export interface Library {
  readonly version: string;
  readonly api: Readonly<Record<Member, NativeFunction>>;
  /** Kept because koffi unloads the library when its handle is collected. */
  readonly handle: LibraryHandle;
}

let library: Library | undefined;

/**
 * Loads the shared library that onnxruntime-node ships and reads its table of functions.
 *
 * @throws EngineError `runtime-missing` when there is none for this platform, or it is too old.
 */
export function loadLibrary(): Library {
  library ??= open(libraryPath());
  return library;
}

function libraryPath(): string {
  const hint = 'install onnxruntime-node; it has binaries for Linux, Windows and macOS on arm64';
  let root: string;
  try {
    root = dirname(createRequire(import.meta.url).resolve('onnxruntime-node/package.json'));
  } catch (cause) {
    throw new EngineError('runtime-missing', 'onnxruntime-node is not installed', hint, { cause });
  }
  const file = { linux: 'libonnxruntime.so.1', darwin: 'libonnxruntime.1.dylib', win32: 'onnxruntime.dll' }[
    process.platform as 'linux'
  ];
  const path = join(root, 'bin', 'napi-v6', process.platform, process.arch, file ?? '');
  if (file === undefined || !existsSync(path)) {
    const platform = `${process.platform}-${process.arch}`;
    throw new EngineError('runtime-missing', `onnxruntime-node has no library for ${platform}`, hint);
  }
  return path;
}

function open(path: string): Library {
  // Graph building and optimisation recurse deeply; koffi's own stack is one megabyte.
  const stack = 16 * 1024 * 1024;
  koffi.config({ ...koffi.config(), sync_stack_size: stack, async_stack_size: stack });
  const handle = koffi.load(path);
  const base = koffi.decode(handle.func('void* OrtGetApiBase()')(), koffi.array('void*', 2)) as bigint[];
  const getApi = koffi.decode(base[0] as bigint, koffi.proto('void* (uint32_t version)')) as NativeFunction;
  const getVersion = koffi.decode(base[1] as bigint, koffi.proto('str ()')) as NativeFunction;
  const version = getVersion() as string;
  const table = getApi(apiVersion);
  if (table === null) {
    throw new EngineError(
      'runtime-missing',
      `ONNX Runtime ${version} at ${path} does not offer version ${apiVersion} of its API`,
      'install onnxruntime-node 1.20 or newer',
    );
  }
  const size = 1 + Math.max(...Object.values(members).map(([index]) => index));
  const pointers = koffi.decode(table, koffi.array('void*', size)) as bigint[];
  const api = {} as Record<Member, NativeFunction>;
  for (const [name, [index, result, parameters]] of Object.entries(members)) {
    api[name as Member] = koffi.decode(
      pointers[index] as bigint,
      koffi.proto(`${result} (${parameters})`),
    ) as NativeFunction;
  }
  return { version, api, handle };
}
