import { wait } from '@gram/base';
import type { GpuStream } from '@gram/engine';
import type { LibraryHandle } from 'koffi';
import { elementAt } from '../../checked.js';
import { TrainError } from '../../error.js';

/** NVIDIA's library of collective operations, of a version that can be used. */
export interface NcclLibrary {
  /** Version, such as `2.28.9`. */
  readonly version: string;
  /** Makes the identity of a group of ranks, for one of them to give to all. */
  createId(): Uint8Array;
  /**
   * Joins the ranks that were given the same identity, each with a GPU of its own. All of them have to come for it to resolve.
   *
   * @param createStream makes the stream on which operations run, and its GPU the one of this thread
   * @throws {TrainError} `nccl` with the reason that the library gives
   */
  join(place: GroupPlace, createStream: () => GpuStream): Promise<Nccl>;
}

/** Place of a rank in a group. */
export interface GroupPlace {
  readonly id: Uint8Array;
  readonly rank: number;
  readonly size: number;
}

/** The operations on the GPUs of a group of ranks. Each is called by all of them, in the same order and with the same sizes. */
export interface Nccl {
  /**
   * Queues operations on the GPU and waits for all of them; the JavaScript thread stays free. Their memory must stay where it is until
   * then. After `abort` it never resolves.
   *
   * @throws {TrainError} `nccl` where one fails
   */
  run(calls: readonly Call[]): Promise<void>;
  /** Leaves the group when everything has ended. */
  close(): Promise<void>;
  /** Ends operations that wait for other ranks, and the group. */
  abort(): void;
}

/** An operation on float32 values. Addresses are those of the device; counts are numbers and not bytes. */
export type Call =
  /** Replaces values by their sum over all ranks. */
  | { readonly kind: 'allReduce'; readonly at: bigint; readonly count: number }
  /** Sums one part for each rank, parts being one after the other; a rank gets the sum of its own part in its place. */
  | { readonly kind: 'reduceScatter'; readonly at: bigint; readonly part: number }
  /** Gives all ranks the parts of each, in their places. */
  | { readonly kind: 'allGather'; readonly at: bigint; readonly part: number }
  /** Gives one rank the sum over all. */
  | { readonly kind: 'reduce'; readonly at: bigint; readonly count: number; readonly root: number }
  /** Gives all ranks the values of one. */
  | { readonly kind: 'broadcast'; readonly at: bigint; readonly count: number; readonly root: number };

const LIBRARY = 'libnccl.so.2';
/** First version in which a communicator does not block, so that it can be aborted while it waits for other ranks. */
const OLDEST = 21_400;
const INSTALLATION =
  'apt-get install libnccl2, or pip install nvidia-nccl-cu13 and add its folder lib to LD_LIBRARY_PATH';

const SUCCESS = 0;
const IN_PROGRESS = 7;
const FLOAT32 = 7;
const SUM = 0;
const BYTES = 4n;
const ID_BYTES = 128;
/** `ncclConfig_t` as it was in the version `OLDEST`, which later ones accept: size, magic, version, blocking, and a gap. */
const CONFIG = [24, 0, 0xcafebeef, OLDEST, 0, 0];

/** Interval between two looks at work that is being begun, and at work that is under way, in milliseconds. */
const LOOKS = { begun: 1, running: 100 };

/**
 * Loads the library, which is looked for when several ranks compute on GPUs and never before.
 *
 * @throws {TrainError} `nccl` where it is not there, or too old
 */
export async function loadNccl(): Promise<NcclLibrary> {
  const { default: koffi } = await import('koffi');
  let library: LibraryHandle;
  try {
    library = koffi.load(LIBRARY);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    // A library that is there may lack another one, which the reason names then.
    const isMissing = reason.includes('library: cannot open shared object file');
    const message = isMissing ? `${LIBRARY} is not found` : `${LIBRARY} cannot be loaded: ${reason}`;
    throw new TrainError('nccl', message, INSTALLATION, { cause });
  }
  const id = koffi.struct({ bytes: koffi.array('uint8_t', ID_BYTES) });
  const functions = bindFunctions(library, id);
  const out = [0];
  functions.getVersion(out);
  const code = elementAt(out, 0);
  const version = `${Math.floor(code / 10_000)}.${Math.floor((code % 10_000) / 100)}.${code % 100}`;
  if (code < OLDEST) {
    const message = `NCCL ${version} is too old: 2.14 is the first version that does not block while it waits for other ranks`;
    throw new TrainError('nccl', message, INSTALLATION);
  }
  return {
    version,
    createId() {
      const bytes = new Uint8Array(ID_BYTES);
      check(functions, functions.getUniqueId(bytes), 'ncclGetUniqueId');
      return bytes;
    },
    join: (place, createStream) => joinGroup(functions, place, createStream),
  };
}

type Type = ReturnType<typeof import('koffi').struct>;

function bindFunctions(library: LibraryHandle, id: Type) {
  const bind = (declaration: string) => library.func(declaration);
  return {
    // koffi unloads a library whose handle was collected.
    library,
    getVersion: bind('int ncclGetVersion(_Out_ int* version)'),
    getUniqueId: bind('int ncclGetUniqueId(void* id)'),
    // The library writes the first argument once more when it has connected.
    init: library.func('ncclCommInitRankConfig', 'int', ['void*', 'int', id, 'int', 'void*']),
    getAsyncError: bind('int ncclCommGetAsyncError(intptr_t group, _Out_ int* state)'),
    abort: bind('int ncclCommAbort(intptr_t group)'),
    destroy: bind('int ncclCommDestroy(intptr_t group)'),
    groupStart: bind('int ncclGroupStart()'),
    groupEnd: bind('int ncclGroupEnd()'),
    allReduce: bind('int ncclAllReduce(intptr_t, intptr_t, size_t, int, int, intptr_t, intptr_t)'),
    reduceScatter: bind('int ncclReduceScatter(intptr_t, intptr_t, size_t, int, int, intptr_t, intptr_t)'),
    reduce: bind('int ncclReduce(intptr_t, intptr_t, size_t, int, int, int, intptr_t, intptr_t)'),
    allGather: bind('int ncclAllGather(intptr_t, intptr_t, size_t, int, intptr_t, intptr_t)'),
    broadcast: bind('int ncclBroadcast(intptr_t, intptr_t, size_t, int, int, intptr_t, intptr_t)'),
    errorString: bind('str ncclGetErrorString(int code)'),
    lastError: bind('str ncclGetLastError(intptr_t group)'),
  };
}

type Functions = ReturnType<typeof bindFunctions>;

async function joinGroup(
  functions: Functions,
  { id, rank, size }: GroupPlace,
  createStream: () => GpuStream,
): Promise<Nccl> {
  const stream = createStream();
  // Memory of its own stays where it is.
  const made = new BigUint64Array(new ArrayBuffer(8));
  const code = functions.init(made, size, { bytes: id }, rank, Uint32Array.from(CONFIG));
  check(functions, code, 'ncclCommInitRankConfig');
  const group = new Group(functions, made, stream, rank);
  await group.begun('ncclCommInitRankConfig');
  return group;
}

/** A group that this rank has joined, or is about to. */
class Group implements Nccl {
  private last: Promise<unknown> = Promise.resolve();
  /** Whether the library has no such group any more. */
  private isOver = false;
  private failure: unknown;

  /** @param made where the library writes the handle of the group, which has to be there as long as it */
  constructor(
    private readonly functions: Functions,
    private readonly made: BigUint64Array,
    private readonly stream: GpuStream,
    private readonly rank: number,
  ) {}

  run(calls: readonly Call[]): Promise<void> {
    // The library takes calls once it has begun those before.
    const mine = this.last.then(() => this.queue(calls));
    this.last = mine.catch(() => {});
    return mine;
  }

  async close(): Promise<void> {
    await this.last;
    await this.end(this.functions.destroy);
  }

  abort(): void {
    void this.end(this.functions.abort);
  }

  /** Waits until the library has begun what it was asked for, which it does on a thread of its own. */
  async begun(what: string): Promise<void> {
    while (!this.isOver && this.state(what) === IN_PROGRESS) await wait(LOOKS.begun);
  }

  private async queue(calls: readonly Call[]): Promise<void> {
    if (calls.length === 0) return;
    if (!this.isOver) {
      this.enqueue(calls);
      await this.begun('ncclGroupEnd');
      // A failure does not end what the stream waits for.
      const timer = setInterval(() => this.look(), LOOKS.running);
      await this.stream.synchronize().finally(() => clearInterval(timer));
    }
    if (this.failure !== undefined) throw this.failure;
    // Who has aborted it ends the process.
    if (this.isOver) await new Promise<never>(() => {});
  }

  /** Ends the group where the library says that something has failed. */
  private look(): void {
    if (this.isOver) return;
    try {
      this.state('an operation');
    } catch (error) {
      this.failure = error;
      this.abort();
    }
  }

  /** Queues operations on the stream. The library may merge what is called between start and end. */
  private enqueue(calls: readonly Call[]): void {
    const { functions, handle } = this;
    check(functions, functions.groupStart(), 'ncclGroupStart', handle);
    const codes = calls.map((call) => this.enqueueOne(call));
    const code = [...codes, functions.groupEnd()].find((each) => each !== SUCCESS && each !== IN_PROGRESS);
    check(functions, code ?? SUCCESS, 'ncclGroupEnd', handle);
  }

  private enqueueOne(call: Call): number {
    const { functions, handle, stream } = this;
    const { at } = call;
    const on = [handle, stream.handle];
    switch (call.kind) {
      case 'allReduce':
        return functions.allReduce(at, at, call.count, FLOAT32, SUM, ...on);
      case 'reduceScatter':
        return functions.reduceScatter(at, this.own(at, call.part), call.part, FLOAT32, SUM, ...on);
      case 'allGather':
        return functions.allGather(this.own(at, call.part), at, call.part, FLOAT32, ...on);
      case 'reduce':
        return functions.reduce(at, at, call.count, FLOAT32, SUM, call.root, ...on);
      case 'broadcast':
        return functions.broadcast(at, at, call.count, FLOAT32, call.root, ...on);
    }
  }

  /** The address of this rank's part. */
  private own(at: bigint, part: number): bigint {
    return at + BYTES * BigInt(this.rank * part);
  }

  /** The state that the library has of the group. @throws {TrainError} `nccl` where something has failed since */
  private state(what: string): number {
    const { functions, handle } = this;
    const out = [SUCCESS];
    check(functions, functions.getAsyncError(handle, out), 'ncclCommGetAsyncError', handle);
    const state = elementAt(out, 0);
    check(functions, state, what, handle);
    return state;
  }

  private async end(target: NativeFunction): Promise<void> {
    if (this.isOver) return;
    this.isOver = true;
    await new Promise((resolve) => target.async(this.handle, resolve));
  }

  private get handle(): bigint {
    return elementAt(this.made, 0);
  }
}

type NativeFunction = ReturnType<LibraryHandle['func']>;

function check(functions: Functions, code: number, name: string, group?: bigint): void {
  if (code === SUCCESS || code === IN_PROGRESS) return;
  const more = group === undefined ? '' : functions.lastError(group);
  throw new TrainError(
    'nccl',
    `${name} of NCCL failed: ${functions.errorString(code)}${more ? ` (${more})` : ''}`,
    'run again with NCCL_DEBUG=WARN to see more; every rank of a machine needs a GPU of its own, see localGpu',
  );
}
