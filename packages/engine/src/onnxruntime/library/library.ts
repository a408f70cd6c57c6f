import { existsSync, readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { quote } from '@gram/base';
import koffi, { type LibraryHandle } from 'koffi';
import { EngineError } from '../../error.js';
import { members } from './members.js';
import { disableTelemetry } from './process.js';

/** Version of the API that has all functions that the adapter calls. */
const API_VERSION = 24;

/** Name of a function of the API that the adapter calls. */
export type Member = keyof typeof members;

/** A C function, which can be called on and off the JavaScript thread. */
export type NativeFunction = ((...args: unknown[]) => unknown) & {
  async: (...args: unknown[]) => void;
};

/** The functions of ONNX Runtime that the adapter uses, by name. */
export interface Library {
  readonly version: string;
  /** Path of the shared library. */
  readonly path: string;
  readonly api: Readonly<Record<Member, NativeFunction>>;
  /** Handle of the library, which koffi unloads when it is collected. */
  readonly handle: LibraryHandle;
}

let library: Library | undefined;

/**
 * Loads ONNX Runtime's shared library, from the folder in `GRAM_ONNXRUNTIME` or else the one that onnxruntime-node ships, and
 * reads its table of functions.
 *
 * @throws {EngineError} `runtime-missing` when there is none for this platform, or it is too old
 */
export function loadLibrary(): Library {
  library ??= openLibrary(libraryPath());
  return library;
}

/** Folder of the shared library. Providers lie beside it. */
export function libraryFolder(): string {
  return dirname(libraryPath());
}

function libraryPath(): string {
  const folder = process.env.GRAM_ONNXRUNTIME;
  return folder === undefined || folder === '' ? packagedLibrary() : libraryIn(folder);
}

/** The library in a folder that the user names, such as `onnxruntime/capi` of a wheel, whose name there ends in its version. */
function libraryIn(folder: string): string {
  const pattern = {
    linux: /^libonnxruntime\.so(\.[\d.]+)?$/,
    darwin: /^libonnxruntime(\.[\d.]+)?\.dylib$/,
    win32: /^onnxruntime\.dll$/,
  }[process.platform as 'linux'];
  const files = existsSync(folder) ? readdirSync(folder).sort() : [];
  const file = files.find((name) => pattern?.test(name));
  if (file !== undefined) return join(folder, file);
  throw new EngineError(
    'runtime-missing',
    `the folder in GRAM_ONNXRUNTIME, ${quote(folder)}, has no library of ONNX Runtime`,
    "set it to the folder 'onnxruntime/capi' of an installed wheel of onnxruntime-gpu, or unset it",
  );
}

function packagedLibrary(): string {
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

/**
 * Opens a shared library of ONNX Runtime and checks that its table is the one that `members` describes.
 *
 * @throws {EngineError} `runtime-missing` when the version is too old or the table is another one
 */
export function openLibrary(path: string): Library {
  enlargeStacks();
  disableTelemetry();
  const handle = load(path);
  const base = koffi.decode(entryPoint(handle, path)(), koffi.array('void*', 2)) as bigint[];
  const getApi = koffi.decode(base[0] as bigint, koffi.proto('void* (uint32_t version)')) as NativeFunction;
  const getVersion = koffi.decode(base[1] as bigint, koffi.proto('str ()')) as NativeFunction;
  const version = getVersion() as string;
  checkVersion(version, path);
  const table = getApi(API_VERSION);
  if (table === null) throw tooOld(version, path);
  const size = 1 + Math.max(...Object.values(members).map(([index]) => index));
  const pointers = koffi.decode(table, koffi.array('void*', size)) as (bigint | null)[];
  const api = {} as Record<Member, NativeFunction>;
  for (const [name, [index, result, parameters]] of Object.entries(members)) {
    const pointer = pointers[index];
    if (pointer == null) throw unknownTable(version, path, `${name} is missing`);
    api[name as Member] = koffi.decode(pointer, koffi.proto(`${result} (${parameters})`)) as NativeFunction;
  }
  checkTable(api, version, path);
  return { version, path, api, handle };
}

/** Enlarges the stacks of native calls: graph optimization recurses deeply, and koffi's stacks have one megabyte. */
function enlargeStacks(): void {
  const stack = 16 * 1024 * 1024;
  try {
    koffi.config({ ...koffi.config(), sync_stack_size: stack, async_stack_size: stack });
  } catch {
    // Refused once a library was loaded, by this or another package. Its stacks are then in use, which are large enough
    // for all but very deep graphs.
  }
}

function load(path: string): LibraryHandle {
  try {
    return koffi.load(path);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    if (/cannot allocate memory|failed to map segment/i.test(reason)) {
      throw new EngineError(
        'out-of-memory',
        `there is no memory to load ONNX Runtime, which takes about 100 MB: ${reason}`,
        'raise the limit of this process (ulimit -v, the container), or end other programs',
        { cause },
      );
    }
    throw new EngineError(
      'runtime-missing',
      `the library of ONNX Runtime cannot be loaded: ${reason}`,
      `install onnxruntime-node again; its library should be at ${path}`,
      { cause },
    );
  }
}

function entryPoint(handle: LibraryHandle, path: string): NativeFunction {
  try {
    // The types of koffi know no parameters and results.
    return handle.func('void* OrtGetApiBase()') as unknown as NativeFunction;
  } catch (cause) {
    throw new EngineError(
      'runtime-missing',
      `${path} is not the library of ONNX Runtime`,
      'install onnxruntime-node again',
      { cause },
    );
  }
}

/** Checks that a library offers the API. Version 1.24.0 of the library offers versions 1 to 24 of the API. */
export function checkVersion(version: string, path: string): void {
  const parts = /^(\d+)\.(\d+)\./.exec(version);
  if (parts === null) throw unknownTable(version, path, 'its version cannot be read');
  const [major, minor] = [Number(parts[1]), Number(parts[2])];
  if (major < 1 || (major === 1 && minor < API_VERSION)) throw tooOld(version, path);
}

/** Checks the table: a status that is made and read back goes through both ends of the first hundred entries. */
function checkTable(api: Library['api'], version: string, path: string): void {
  const code = 2;
  const message = 'gram';
  const status = api.CreateStatus(code, message);
  const same = api.GetErrorCode(status) === code && api.GetErrorMessage(status) === message;
  api.ReleaseStatus(status);
  if (!same) throw unknownTable(version, path, 'a status reads back differently');
}

function tooOld(version: string, path: string): EngineError {
  return new EngineError(
    'runtime-missing',
    `ONNX Runtime ${version} at ${path} does not offer version ${API_VERSION} of its API`,
    `install onnxruntime-node 1.${API_VERSION} or newer`,
  );
}

function unknownTable(version: string, path: string, reason: string): EngineError {
  return new EngineError(
    'runtime-missing',
    `the functions of ONNX Runtime ${version} at ${path} are not where they should be: ${reason}`,
    'install the version of onnxruntime-node that this package depends on',
  );
}
