import type { LibraryHandle } from 'koffi';
import { elementAt } from '../checked.js';
import { TrainError } from '../error.js';
import type { Numbers } from './communicator.js';

type NativeFunction = ReturnType<LibraryHandle['func']>;

/** Values of a message. */
export type Values = Numbers | Uint8Array;

/** The collective operations of MPI on all processes, one at a time, off the JavaScript thread. */
export interface Mpi {
  readonly rank: number;
  readonly size: number;
  allReduceSum(values: Numbers): Promise<void>;
  reduceScatterSum(values: Float32Array, counts: readonly number[], into: Float32Array): Promise<void>;
  allGather(values: Float32Array | Uint8Array, counts: readonly number[]): Promise<void>;
  broadcast(values: Values, root: number): Promise<void>;
  barrier(): Promise<void>;
  finalize(): Promise<void>;
  /** Asks the launcher to end all processes, this one included. May hang where another call does. */
  abort(): Promise<void>;
}

/** Objects of MPI as one implementation represents them. */
interface Handles {
  /** C type of a communicator, a data type and an operation. */
  readonly type: 'void*' | 'int';
  readonly world: unknown;
  readonly sum: unknown;
  readonly float: unknown;
  readonly double: unknown;
  readonly byte: unknown;
  readonly errorsReturn: unknown;
  /** `MPI_IN_PLACE`, an address that no buffer has. */
  readonly inPlace: number;
}

/** Open MPI 4 and 5, then MPICH and what shares its binary interface (Intel MPI, MVAPICH, Cray). */
const libraries: Partial<Record<NodeJS.Platform, readonly string[]>> = {
  linux: ['libmpi.so.40', 'libmpi.so.12', 'libmpich.so.12'],
  darwin: ['libmpi.40.dylib', 'libmpi.12.dylib'],
};

const multiple = 3;
const serialized = 2;
/** The counts of MPI are 32 bits wide. */
const MAXIMUM_COUNT = 2 ** 28;
/** Shorter arrays are summed by MPI itself: one message instead of several. */
const shortest = 2 ** 12;
/** Longest array that is summed at once; so much more memory is kept for it. */
const longest = 2 ** 24;

/**
 * Loads MPI and joins the processes that its launcher started.
 *
 * @param expected number of processes, as the launcher says
 * @throws TrainError `mpi` when the library is missing, does not belong to the launcher or cannot be used from threads
 */
export async function openMpi(expected: number): Promise<Mpi> {
  const library = await load();
  const handles = handlesOf(library);
  const place = initialize(library, handles, expected);
  return operations(library, handles, place);
}

interface MpiPlace {
  readonly rank: number;
  readonly size: number;
}

/** Initializes MPI for calls from several threads, and asks it where this process stands. */
function initialize(library: LibraryHandle, handles: Handles, expected: number): MpiPlace {
  const { type, world, errorsReturn } = handles;
  const bind = (declaration: string) => library.func(declaration);
  const provided: number[] = [0];
  check(
    bind('int MPI_Init_thread(void*, void*, int, _Out_ int*)')(null, null, multiple, provided),
    'MPI_Init_thread',
  );
  if (elementAt(provided, 0) < serialized) {
    throw new TrainError('mpi', 'this MPI was built without threads', 'install one that has them');
  }
  check(
    bind(`int MPI_Comm_set_errhandler(${type}, ${type})`)(world, errorsReturn),
    'MPI_Comm_set_errhandler',
  );
  const numberOf = (name: string) => {
    const out: number[] = [0];
    check(bind(`int ${name}(${type}, _Out_ int*)`)(world, out), name);
    return elementAt(out, 0);
  };
  const [rank, size] = [numberOf('MPI_Comm_rank'), numberOf('MPI_Comm_size')];
  if (size === expected) return { rank, size };
  throw new TrainError(
    'mpi',
    `the launcher started ${expected} processes, and the library of MPI sees ${size}`,
    'use the mpirun of the installed MPI; with Slurm, srun --mpi=pmix (Open MPI) or --mpi=pmi2 (MPICH)',
  );
}

function bindFunctions(library: LibraryHandle, { type: H }: Handles) {
  const bind = (declaration: string) => library.func(declaration);
  return {
    allReduce: bind(`int MPI_Allreduce(intptr_t, void*, int, ${H}, ${H}, ${H})`),
    allToAll: bind(`int MPI_Alltoallv(void*, void*, void*, ${H}, void*, void*, void*, ${H}, ${H})`),
    allGather: bind(`int MPI_Allgatherv(intptr_t, int, ${H}, void*, void*, void*, ${H}, ${H})`),
    broadcast: bind(`int MPI_Bcast(void*, int, ${H}, int, ${H})`),
    barrier: bind(`int MPI_Barrier(${H})`),
    finalize: bind('int MPI_Finalize()'),
    abort: bind(`int MPI_Abort(${H}, int)`),
  };
}

type Functions = ReturnType<typeof bindFunctions>;

/** The operations of MPI as promises, one at a time. */
function operations(library: LibraryHandle, handles: Handles, { rank, size }: MpiPlace): Mpi {
  const functions = bindFunctions(library, handles);
  const { world, sum, inPlace } = handles;
  // koffi unloads a library whose handle was collected.
  const inTurn = queue(library);
  const { sumParts, gatherParts } = partOperations(functions, handles, { rank, size });
  const sumPart = async (part: Numbers) => {
    if (part.length < shortest * size) {
      const type = typeOf(part, handles);
      return pinned(part, (p) => offThread(functions.allReduce, [inPlace, p, p.length, type, sum, world]));
    }
    const counts = evenParts(part.length, size);
    const start = elementAt(startsOf(counts), rank);
    await sumParts(part, counts, part.subarray(start, start + elementAt(counts, rank)));
    await gatherParts(part, counts);
  };
  return {
    rank,
    size,
    allReduceSum: (values) =>
      inTurn(async () => {
        for (const part of parts(values, longest)) await sumPart(part);
      }),
    reduceScatterSum(values, counts, into) {
      checkCounts(values, counts);
      return inTurn(() => pinned(values, (v) => sumParts(v, counts, into)));
    },
    allGather(values, counts) {
      checkCounts(values, counts);
      return inTurn(() => pinned(values, (v) => gatherParts(v, counts)));
    },
    broadcast: (values, root) =>
      inTurn(async () => {
        for (const part of parts(values, MAXIMUM_COUNT)) {
          const type = typeOf(part, handles);
          await pinned(part, (p) => offThread(functions.broadcast, [p, p.length, type, root, world]));
        }
      }),
    barrier: () => inTurn(() => offThread(functions.barrier, [world])),
    finalize: () => inTurn(() => offThread(functions.finalize, [])),
    // Not in turn: what is under way may never end.
    abort: () => offThread(functions.abort, [world, 1]),
  };
}

function partOperations({ allToAll, allGather }: Functions, handles: Handles, { rank, size }: MpiPlace) {
  const { world, inPlace } = handles;
  let scratch = new ArrayBuffer(0);
  return {
    /**
     * Parts go to the ranks whose they are, which add them up in the order of the ranks: the same bits in every
     * implementation of MPI, and several times as fast as `MPI_Reduce_scatter` of Open MPI 4.1.
     */
    async sumParts(values: Numbers, counts: readonly number[], into: Numbers): Promise<void> {
      const mine = elementAt(counts, rank);
      const bytes = mine * size * values.BYTES_PER_ELEMENT;
      if (scratch.byteLength < bytes) scratch = new ArrayBuffer(bytes);
      const received =
        values instanceof Float32Array
          ? new Float32Array(scratch, 0, mine * size)
          : new Float64Array(scratch, 0, mine * size);
      const each = counts.map(() => mine);
      const type = typeOf(values, handles);
      const sending = [values, integers(counts), integers(startsOf(counts)), type];
      const receiving = [received, integers(each), integers(startsOf(each)), type];
      await offThread(allToAll, [...sending, ...receiving, world]);
      into.set(received.subarray(0, mine));
      for (let from = mine; from < received.length; from += mine) {
        // Every index is within both arrays.
        for (let i = 0; i < mine; i++) into[i] = (into[i] ?? 0) + (received[from + i] ?? 0);
      }
    },
    async gatherParts(values: Values, counts: readonly number[]): Promise<void> {
      const type = typeOf(values, handles);
      const where = [integers(counts), integers(startsOf(counts))];
      await offThread(allGather, [inPlace, 0, type, values, ...where, type, world]);
    },
  };
}

async function load(): Promise<LibraryHandle> {
  const known = libraries[process.platform] ?? [];
  // Where both are installed: only launchers that speak the protocol of MPICH set this.
  const names = process.env.PMI_RANK === undefined ? known : [...known.slice(1), ...known.slice(0, 1)];
  const { default: koffi } = await import('koffi');
  try {
    // MPICH needs more than the default, and so does the engine, which has no say once this library is loaded.
    const stack = 16 * 1024 * 1024;
    koffi.config({ ...koffi.config(), sync_stack_size: stack, async_stack_size: stack });
  } catch {
    // The engine was first and has chosen the same.
  }
  for (const name of names) {
    try {
      // Parts of Open MPI are plugins that look for its symbols among the global ones.
      return koffi.load(name, { global: true });
    } catch {
      // The next one.
    }
  }
  throw new TrainError(
    'mpi',
    `a launcher started this process as one of several, and no library of MPI was found (${names.join(', ') || 'none for this platform'})`,
    'install the one that the launcher belongs to, on Debian libopenmpi3 or libmpich12, on every machine',
  );
}

/** In Open MPI objects are addresses of variables; MPICH has fixed numbers, which are part of its binary interface. */
function handlesOf(library: LibraryHandle): Handles {
  const symbol = (name: string): unknown => library.symbol(name);
  try {
    return {
      type: 'void*',
      world: symbol('ompi_mpi_comm_world'),
      sum: symbol('ompi_mpi_op_sum'),
      float: symbol('ompi_mpi_float'),
      double: symbol('ompi_mpi_double'),
      byte: symbol('ompi_mpi_byte'),
      errorsReturn: symbol('ompi_mpi_errors_return'),
      inPlace: 1,
    };
  } catch {
    return {
      type: 'int',
      world: 0x44000000,
      sum: 0x58000003,
      float: 0x4c00040a,
      double: 0x4c00080b,
      byte: 0x4c00010d,
      errorsReturn: 0x54000001,
      inPlace: -1,
    };
  }
}

function typeOf(values: Values, { float, double, byte }: Handles): unknown {
  if (values instanceof Float32Array) return float;
  return values instanceof Float64Array ? double : byte;
}

/** Runs one operation after the other: they may come from several threads, but not at once. */
function queue(library: LibraryHandle) {
  let last: Promise<unknown> = Promise.resolve(library);
  return (operation: () => Promise<void>): Promise<void> => {
    const mine = last.then(operation);
    last = mine.then(
      () => library,
      () => library,
    );
    return mine;
  };
}

async function offThread(target: NativeFunction, args: unknown[]): Promise<void> {
  const code = await new Promise<unknown>((resolve, reject) => {
    target.async(...args, (error: unknown, result: unknown) =>
      error == null ? resolve(result) : reject(error),
    );
  });
  check(code, target.info.name);
}

function check(code: unknown, name: string): void {
  if (code === 0) return;
  throw new TrainError('mpi', `${name} failed with code ${code}`, 'see what MPI printed before');
}

function checkCounts(values: Values, counts: readonly number[]): void {
  const sum = counts.reduce((a, b) => a + b, 0);
  if (sum === values.length && sum <= MAXIMUM_COUNT) return;
  throw new RangeError(
    `parts of ${sum} numbers in an array of ${values.length}, of at most ${MAXIMUM_COUNT}`,
  );
}

function* parts<T extends Values>(values: T, most: number): Generator<T> {
  for (let i = 0; i === 0 || i < values.length; i += most) yield values.subarray(i, i + most) as T;
}

function evenParts(length: number, ranks: number): number[] {
  const cut = (rank: number) => Math.floor((length * rank) / ranks);
  return Array.from({ length: ranks }, (_, rank) => cut(rank + 1) - cut(rank));
}

function startsOf(counts: readonly number[]): number[] {
  let start = 0;
  return counts.map((count) => {
    start += count;
    return start - count;
  });
}

/** Typed arrays of up to 64 bytes lie where the collector moves them; with a buffer of their own they stay. */
function integers(values: readonly number[]): Int32Array {
  const array = new Int32Array(new ArrayBuffer(4 * values.length));
  array.set(values);
  return array;
}

async function pinned<T extends Values>(values: T, use: (still: T) => Promise<void>): Promise<void> {
  if (values.byteLength > 64) return use(values);
  const still = new (values.constructor as new (buffer: ArrayBuffer) => T)(
    new ArrayBuffer(values.byteLength),
  );
  still.set(values);
  await use(still);
  values.set(still);
}
