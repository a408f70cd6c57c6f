import koffi from 'koffi';
import type { NDArray } from '../arrays/array.js';
import type { DeviceArray } from '../arrays/device-array.js';
import { EngineError } from '../error.js';
import { call, callAsync, created, getEnvironment, release } from './environment.js';
import { EncodedNames, pointers } from './pointers.js';
import { handleOf, mappedHandleOf, type ValueSpec } from './values.js';

/** Part of an accelerator that a session needs. */
export interface SessionProvider {
  /** Makes a session's options use the accelerator. */
  append(options: unknown, settings: { readonly tf32: boolean }): void;
  /** Makes new memory of the accelerator, and is called in turn. */
  allocate(spec: ValueSpec): unknown;
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
  /** Initializers that lie in files of one folder, and this folder. @default there are none */
  readonly files?: FileConstants | undefined;
  /** Whether constants are packed for the kernels that read them. @default true */
  readonly prepack?: boolean | undefined;
  /** Container of the packed form of constants, which sessions made with it share. */
  readonly prepacked?: unknown;
  /** Start of the path of a file to which a profile of every operation is written. @default no profile */
  readonly profilePrefix?: string | undefined;
}

/** Initializers in files. */
export interface FileConstants {
  readonly folder: string;
  /** Arrays of initializers. The model declares the file and the place of each. */
  readonly arrays: ReadonlyMap<string, DeviceArray>;
}

/** Setting that names the folder of the files of initializers, for a model that is given as bytes. */
const FILE_FOLDER = 'session.model_external_initializers_file_folder_path';

/** Handles of values by the name of a graph's input or output. */
export type Handles = ReadonlyMap<string, unknown>;

/** Stands for a handle of host memory, in the place of the handle of an input. */
export class HostMemory {
  constructor(readonly handle: unknown) {}
}

/** Stands for new memory of a session's device, in the place of a handle. */
export class NewMemory {
  constructor(readonly spec: ValueSpec) {}
}

/** A graph that is ready to run. */
export class Session {
  private handle: unknown;
  private running = 0;
  private readonly inputNames = new EncodedNames();
  private readonly outputNames = new EncodedNames();
  private readonly provider: SessionProvider | undefined;
  /** Constants, which the runtime reads where they are: they live as long as the session. */
  readonly constants: readonly (NDArray | DeviceArray)[];

  /**
   * @param model bytes of an ONNX model
   * @param handle the session, where `openSession` has made it. @default it is made
   * @throws {EngineError} `runtime` when ONNX Runtime refuses the model, `out-of-memory`
   */
  constructor(model: Uint8Array, settings: SessionOptions = {}, handle?: unknown) {
    this.provider = settings.provider;
    this.constants = [...(settings.constants?.values() ?? []), ...(settings.files?.arrays.values() ?? [])];
    this.handle =
      handle ?? withOptions(settings, (options) => created(...creation(model, options, settings)));
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
    const names = [this.inputNames.of(inputs), this.outputNames.of(outputs)] as const;
    const [given, taken] = [pointers(inputs.values(), inputs.size), pointers(outputs.values(), outputs.size)];
    await callAsync(
      'Run',
      this.native(),
      options,
      names[0],
      given,
      inputs.size,
      names[1],
      outputs.size,
      taken,
    );
    // They are read once more, so that none is collected while the runtime may read it.
    void [names[0].length, names[1].length, given.length, taken.length];
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

/** Member that makes a session, and its arguments but the last. */
function creation(
  model: Uint8Array,
  options: unknown,
  { prepacked }: SessionOptions,
): [CreatingMember, ...unknown[]] {
  const { handle } = getEnvironment();
  return prepacked === undefined
    ? ['CreateSessionFromArray', handle, model, model.length, options]
    : [
        'CreateSessionFromArrayWithPrepackedWeightsContainer',
        handle,
        model,
        model.length,
        options,
        prepacked,
      ];
}

type CreatingMember = 'CreateSessionFromArray' | 'CreateSessionFromArrayWithPrepackedWeightsContainer';

function withOptions<T>(settings: SessionOptions, use: (options: unknown) => T): T {
  const options = createOptions(settings);
  try {
    return use(options);
  } finally {
    release('ReleaseSessionOptions', options);
  }
}

function createOptions({
  provider,
  tf32 = false,
  prepack = true,
  constants,
  files,
  profilePrefix,
}: SessionOptions): unknown {
  const options = created('CreateSessionOptions');
  try {
    setOptions(options, profilePrefix, files !== undefined);
    if (!prepack) call('AddSessionConfigEntry', options, 'session.disable_prepacking', '1');
    provider?.append(options, { tf32 });
    if (constants !== undefined) addConstants(options, constants);
    if (files !== undefined) addFiles(options, files);
    return options;
  } catch (error) {
    release('ReleaseSessionOptions', options);
    throw error;
  }
}

/** Interval in which memory is given back while a session is made, in milliseconds. */
const WAITING_MS = 4;

/**
 * Makes a session off the JavaScript thread.
 *
 * @param whileWaiting is called again and again until the session is there
 * @throws {EngineError} as the constructor
 */
export async function openSession(
  model: Uint8Array,
  settings: SessionOptions,
  whileWaiting: () => void,
): Promise<Session> {
  const options = createOptions(settings);
  const timer = setInterval(whileWaiting, WAITING_MS);
  try {
    const out: unknown[] = [null];
    const [member, ...args] = creation(model, options, settings);
    await callAsync(member, ...args, out);
    return new Session(model, settings, out[0]);
  } finally {
    clearInterval(timer);
    release('ReleaseSessionOptions', options);
  }
}

/** It fails on two reshapes in a row of which one has a computed shape (1.30), as `recompute` makes them. */
const FAILING = 'ReshapeFusion';
/**
 * To compute what follows from constants alone, it copies them whole: a few rows of an embedding in a file would take the memory of
 * the embedding.
 */
const COPYING = 'ConstantFolding';

function setOptions(options: unknown, profilePrefix: string | undefined, hasFiles: boolean): void {
  // Training graphs take a third less memory without the pattern, and are never slower.
  call('DisableMemPattern', options);
  call('DisablePerSessionThreads', options);
  call('AddSessionConfigEntry', options, 'session.use_env_allocators', '1');
  const disabled = hasFiles ? `${FAILING};${COPYING}` : FAILING;
  call('AddSessionConfigEntry', options, 'optimization.disable_specified_optimizers', disabled);
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

/** Makes the mapped memory of files the memory of the initializers that lie there. Only such memory is packed once for several sessions. */
function addFiles(options: unknown, { folder, arrays }: FileConstants): void {
  call('AddSessionConfigEntry', options, FILE_FOLDER, folder);
  for (const [name, array] of arrays) {
    const handle = mappedHandleOf(array);
    // Without it, the runtime maps the part itself.
    if (handle !== undefined) call('AddInitializer', options, name, handle);
  }
}
