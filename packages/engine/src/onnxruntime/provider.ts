import type { NDArray } from '../arrays/array.js';
import type { DeviceName } from '../arrays/device-array.js';
import { EngineError } from '../error.js';
import { CUDA_MEMORY, checkIndex, findCuda, registerCuda } from './cuda.js';
import { call, callAsync, created, getEnvironment, release } from './environment.js';
import { identityModel } from './identity-model.js';
import { withoutNoise } from './library/process.js';
import { Session, type SessionProvider } from './session.js';
import { allocate, handleOf, type ValueSpec, valueAt } from './values.js';

/** Name of a provider that has memory of its own. */
export type ProviderName = 'webgpu' | 'cuda';

/** Names of the memory of each provider in ONNX Runtime. */
const MEMORY_NAMES: Readonly<Record<ProviderName, string>> = { webgpu: 'WebGPU_Buf', cuda: CUDA_MEMORY };

/** Warnings that Dawn, the library of WebGPU, writes when it starts on Vulkan. It has no setting for them, and they mean nothing. */
const DAWN_WARNING = /^Warning: maxDynamic\w+ artificially reduced/;

/** Most characters of a reason that the runtime gives, which can be a whole stack of C++. */
const LONGEST_REASON = 300;

const DEVICE_ALLOCATOR = 0;
const DEFAULT_MEMORY = 0;

/** An accelerator of ONNX Runtime, with the memory that its arrays live in. */
export class Provider implements SessionProvider {
  /** Whether the memory of an array is an address, as in CUDA, and not a handle of a buffer. */
  readonly hasAddresses: boolean;
  private readonly allocator: unknown;
  private readonly memory: unknown;
  private last: Promise<unknown> = Promise.resolve();

  private constructor(
    readonly name: ProviderName,
    private readonly index: number,
  ) {
    const memory = created('CreateMemoryInfo', MEMORY_NAMES[name], DEVICE_ALLOCATOR, index, DEFAULT_MEMORY);
    this.hasAddresses = name === 'cuda';
    this.memory = memory;
    if (name === 'cuda') registerCuda(findCuda(), index, memory);
    // The device exists as long as one session does; this one is never disposed.
    const session = withoutNoise(DAWN_WARNING, () => new Session(identityModel(), { provider: this }));
    this.allocator = created('CreateAllocator', session.native(), memory);
  }

  private static readonly opened = new Map<DeviceName, Provider>();

  /**
   * Opens a provider on a device, which is started once in a process.
   *
   * @param index number of the device among those that the process sees. @default 0
   * @throws {EngineError} `device-unavailable` with the reason that ONNX Runtime gives
   */
  static open(name: ProviderName, index = 0): Provider {
    const device = nameOf(name, index);
    const known = Provider.opened.get(device);
    if (known !== undefined) return known;
    try {
      if (name === 'cuda') checkIndex(findCuda(), index);
      const provider = new Provider(name, index);
      Provider.opened.set(device, provider);
      return provider;
    } catch (cause) {
      if (!(cause instanceof EngineError)) throw cause;
      if (cause.code === 'device-unavailable') throw cause;
      throw new EngineError(
        'device-unavailable',
        `the device '${device}' does not work here: ${withoutSource(cause.message)}`,
        "run 'gram doctor' or diagnose() to see what would add it",
        { cause },
      );
    }
  }

  /** Name of the device. */
  get deviceName(): DeviceName {
    return nameOf(this.name, this.index);
  }

  /**
   * Makes a session's options use the provider.
   *
   * @param options.tf32 lets products of float32 round their factors to 10 bits of mantissa. CUDA would by itself
   */
  append(options: unknown, { tf32 = false }: { tf32?: boolean } = {}): void {
    if (this.name === 'webgpu') {
      call('SessionOptionsAppendExecutionProvider', options, 'WebGPU', [], [], 0);
      return;
    }
    const cuda = created('CreateCUDAProviderOptions');
    try {
      const settings = { device_id: String(this.index), use_tf32: tf32 ? '1' : '0' };
      call(
        'UpdateCUDAProviderOptions',
        cuda,
        Object.keys(settings),
        Object.values(settings),
        Object.keys(settings).length,
      );
      call('SessionOptionsAppendExecutionProvider_CUDA_V2', options, cuda);
    } finally {
      release('ReleaseCUDAProviderOptions', cuda);
    }
  }

  /** Runs `use` when everything asked of the device before has ended. */
  inTurn<T>(use: () => T | Promise<T>): Promise<T> {
    const mine = this.last.then(use, use);
    this.last = mine.catch(() => {});
    return mine;
  }

  /**
   * Makes new memory of the device, and is called in turn. The memory belongs to the provider: what a session makes itself
   * cannot be freed after the session.
   */
  allocate(spec: ValueSpec): unknown {
    return allocate(this.allocator, spec);
  }

  /** A handle of an array at an address of the device, whose memory belongs to whoever allocated it. */
  valueAt(address: bigint, spec: ValueSpec): unknown {
    return valueAt(this.memory, address, spec);
  }

  /** Copies a host array to new memory of the device. */
  upload(array: NDArray): Promise<unknown> {
    return this.inTurn(async () => {
      const handle = this.allocate(array);
      try {
        await this.copy(handleOf(array), handle);
      } catch (error) {
        release('ReleaseValue', handle);
        throw error;
      }
      // The array must live as long as its handle is read.
      void array.data;
      return handle;
    });
  }

  /**
   * Copies memory of the device into a host array.
   *
   * @param handleOfMemory gives the handle when its turn comes, so that the owner of the memory lives until then
   */
  download(handleOfMemory: () => unknown, into: NDArray): Promise<void> {
    return this.inTurn(() => this.copy(handleOfMemory(), handleOf(into)));
  }

  /** Copies a host array into memory of the device. */
  overwrite(from: NDArray, handleOfMemory: () => unknown): Promise<void> {
    return this.inTurn(async () => {
      await this.copy(handleOf(from), handleOfMemory());
      // The array must live as long as its handle is read.
      void from.data;
    });
  }

  /** Copies off the JavaScript thread. */
  private copy(from: unknown, to: unknown): Promise<void> {
    return callAsync('CopyTensors', getEnvironment().handle, [from], [to], null, 1);
  }
}

function nameOf(name: ProviderName, index: number): DeviceName {
  return name === 'cuda' && index > 0 ? `cuda:${index}` : name;
}

/** The message without the place in the library's source and the condition there that failed. */
function withoutSource(message: string): string {
  return message
    .replace(/^ONNX Runtime: .* was false\. /, '')
    .trim()
    .slice(0, LONGEST_REASON);
}
