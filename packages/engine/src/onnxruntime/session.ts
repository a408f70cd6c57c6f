import koffi from 'koffi';
import type { ArraySpec, NDArray } from '../arrays/array.js';
import { EngineError } from '../error.js';
import { call, callAsync, created, getEnvironment, release } from './environment.js';
import { handleOf } from './values.js';

/** Part of an accelerator that a session needs. */
export interface SessionProvider {
  /** Makes a session's options use the accelerator. */
  append(options: unknown, settings: { readonly tf32: boolean }): void;
  /** Makes new memory of the accelerator, and is called in turn. */
  allocate(spec: ArraySpec): unknown;
  /** Runs `use` when everything asked of the accelerator before has ended. */
  inTurn<T>(use: () => T | Promise<T>): Promise<T>;
}

/** Options of a session. */
export interface SessionOptions {
  /** Accelerator that runs the graph. @default the CPU */
  readonly provider?: SessionProvider | undefined;
  /** Lets an accelerator round the factors of float32 products to 10 bits of mantissa, where it can. @default false */
  readonly tf32?: boolean | undefined;
  /** Arrays of the initializers that the model declares without bytes. They must not change while the session lives. */
  readonly constants?: ReadonlyMap<string, NDArray> | undefined;
  /** Container of the packed form of constants, which sessions made with it share. */
  readonly prepacked?: unknown;
  /** Start of the path of a file to which a profile of every operation is written. @default no profile */
  readonly profilePrefix?: string | undefined;
}

/** Handles of values by the name of a graph's input or output. */
export type Handles = ReadonlyMap<string, unknown>;

/** Stands for a handle of host memory, in the place of the handle of an input. */
export class HostMemory {
  constructor(readonly handle: unknown) {}
}

/** Stands for new memory of a session's device, in the place of a handle. */
export class NewMemory {
  constructor(readonly spec: ArraySpec) {}
}

/** A graph that is ready to run. */
export class Session {
  private handle: unknown;
  private running = 0;
  private readonly provider: SessionProvider | undefined;
  /** Constants, which the runtime reads where they are: they live as long as the session. */
  readonly constants: ReadonlyMap<string, NDArray> | undefined;

  /**
   * @param model bytes of an ONNX model
   * @throws {EngineError} `runtime` when ONNX Runtime refuses the model, `out-of-memory`
   */
  constructor(
    model: Uint8Array,
    { provider, tf32 = false, constants, prepacked, profilePrefix }: SessionOptions = {},
  ) {
    const environment = getEnvironment();
    this.provider = provider;
    this.constants = constants;
    const options = created('CreateSessionOptions');
    try {
      setOptions(options, profilePrefix);
      provider?.append(options, { tf32 });
      if (constants !== undefined) addConstants(options, constants);
      this.handle =
        prepacked === undefined
          ? created('CreateSessionFromArray', environment.handle, model, model.length, options)
          : created(
              'CreateSessionFromArrayWithPrepackedWeightsContainer',
              environment.handle,
              model,
              model.length,
              options,
              prepacked,
            );
    } finally {
      release('ReleaseSessionOptions', options);
    }
  }

  /**
   * Runs the graph off the JavaScript thread.
   *
   * @param outputs memory of each output: a handle or, with a provider, new memory on its device, whose handle is returned.
   *   An output may be the memory of an input if the graph reads the input before it writes
   * @param options `emptyArena` gives the free memory of the process's arena back to the system after the run
   * @throws {EngineError} `runtime`, `out-of-memory`
   * @throws the signal's reason when it is aborted before the end
   */
  async run(
    inputs: Handles,
    outputs: Handles,
    { signal, emptyArena = false }: { signal?: AbortSignal | undefined; emptyArena?: boolean } = {},
  ): Promise<Handles> {
    signal?.throwIfAborted();
    const options = signal === undefined && !emptyArena ? null : created('CreateRunOptions');
    this.running++;
    const stop = () => call('RunOptionsSetTerminate', options);
    try {
      if (emptyArena) call('AddRunConfigEntry', options, 'memory.enable_memory_arena_shrinkage', 'cpu:0');
      if (options !== null) signal?.addEventListener('abort', stop, { once: true });
      const { provider } = this;
      if (provider === undefined) {
        await this.runOnHost(options, inputs, outputs);
        return new Map();
      }
      return await provider.inTurn(() => {
        signal?.throwIfAborted();
        return this.runOnDevice(provider, options, inputs, outputs);
      });
    } catch (error) {
      if (error instanceof EngineError && error.code === 'cancelled') signal?.throwIfAborted();
      throw error;
    } finally {
      if (options !== null) {
        signal?.removeEventListener('abort', stop);
        release('ReleaseRunOptions', options);
      }
      this.running--;
    }
  }

  private async runOnHost(options: unknown, inputs: Handles, outputs: Handles): Promise<void> {
    await callAsync(
      'Run',
      this.native(),
      options,
      [...inputs.keys()],
      [...inputs.values()],
      inputs.size,
      [...outputs.keys()],
      outputs.size,
      [...outputs.values()],
    );
  }

  private async runOnDevice(
    provider: SessionProvider,
    options: unknown,
    inputs: Handles,
    outputs: Handles,
  ): Promise<Handles> {
    const made = new Map<string, unknown>();
    const binding = created('CreateIoBinding', this.native());
    try {
      for (const [name, input] of inputs) {
        // Binding copies host memory to the device, which takes its time.
        if (input instanceof HostMemory) await callAsync('BindInput', binding, name, input.handle);
        else call('BindInput', binding, name, input);
      }
      for (const [name, output] of outputs) {
        if (output instanceof NewMemory) made.set(name, provider.allocate(output.spec));
        call('BindOutput', binding, name, made.get(name) ?? output);
      }
      await callAsync('RunWithBinding', this.handle, options, binding);
      call('SynchronizeBoundOutputs', binding);
      return made;
    } catch (error) {
      for (const handle of made.values()) release('ReleaseValue', handle);
      throw error;
    } finally {
      release('ReleaseIoBinding', binding);
    }
  }

  /** The runtime's handle of the session. */
  native(): unknown {
    if (this.handle === undefined) {
      throw new EngineError('disposed', 'the executable was disposed', 'compile the function again');
    }
    return this.handle;
  }

  /** Ends profiling and gives the path of the file that the runtime wrote. */
  endProfile(): string {
    const { allocator } = getEnvironment();
    const text = created('SessionEndProfiling', this.native(), allocator);
    const path = koffi.decode(text, 'char', -1) as string;
    call('AllocatorFree', allocator, text);
    return path;
  }

  /** Frees the graph and its memory. */
  dispose(): void {
    if (this.running > 0) {
      throw new EngineError(
        'bad-state',
        'the executable is still running',
        'await its runs before you dispose it',
      );
    }
    const { handle, provider } = this;
    this.handle = undefined;
    if (handle === undefined) return;
    // Another session may be running on the same device.
    if (provider === undefined) release('ReleaseSession', handle);
    else void provider.inTurn(() => release('ReleaseSession', handle));
  }
}

function setOptions(options: unknown, profilePrefix: string | undefined): void {
  // Training graphs take a third less memory without the pattern, and are never slower.
  call('DisableMemPattern', options);
  call('DisablePerSessionThreads', options);
  call('AddSessionConfigEntry', options, 'session.use_env_allocators', '1');
  // It fails on two reshapes in a row of which one has a computed shape (1.30), as `recompute` makes them.
  call('AddSessionConfigEntry', options, 'optimization.disable_specified_optimizers', 'ReshapeFusion');
  if (profilePrefix !== undefined) call('EnableProfiling', options, profilePrefix);
}

function addConstants(options: unknown, constants: ReadonlyMap<string, NDArray>): void {
  if (constants.size === 0) return;
  const names = [...constants.keys()];
  const values = [...constants.values()].map(handleOf);
  // The first call gives the values without a file, the second makes them the memory in use.
  call('AddExternalInitializers', options, names, values, names.length);
  for (const [i, name] of names.entries()) call('AddInitializer', options, name, values[i]);
}
