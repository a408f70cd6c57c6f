import koffi from 'koffi';
import { zeros } from '../arrays/array.js';
import { EngineError } from '../error.js';
import { call, created, getEnvironment } from './environment.js';
import { identityModel } from './identity-model.js';
import { Session } from './session.js';
import { allocate, handleOf, type ValueSpec } from './values.js';

/** A session that never ends, whose allocator is that of the arena. */
let session: Session | undefined;
let allocator: unknown;
/** Bytes that the largest run so far was estimated to need. */
let largest = 0;

/**
 * Prepares the arena of the process for a run on the CPU that needs more memory than any before it: gives back what is free,
 * and takes one piece that is large enough.
 *
 * By itself the arena asks the system for a piece whenever none of its free pieces is large enough, and it never joins
 * pieces. Where each batch is a little longer than the one before, it would end with several times what the longest batch
 * needs. The unused part of a piece takes no memory.
 *
 * @param bytes estimate of the memory of the run, without its inputs and outputs
 */
export async function makeRoom(bytes: number): Promise<void> {
  if (bytes <= largest) return;
  await emptyArena();
  largest = bytes;
  const arena = arenaAllocator();
  try {
    call('AllocatorFree', arena, created('AllocatorAlloc', arena, withSlack(bytes)));
  } catch (error) {
    // Smaller pieces may still be there.
    if (!(error instanceof EngineError && error.code === 'out-of-memory')) throw error;
  }
}

/** Gives what no run uses of the arena of the process back to the system. The next run takes what it needs anew. */
export async function emptyArena(): Promise<void> {
  largest = 0;
  // The runtime empties the arena at the end of a run.
  const [x, y] = [zeros([1]), zeros([1])];
  await endlessSession().run(new Map([['x', handleOf(x)]]), new Map([['y', handleOf(y)]]), {
    emptyArena: true,
  });
  trim();
}

/** Makes an array in the arena of the process, where runs on the CPU have their intermediate results, and gives its handle. */
export function allocateInArena(spec: ValueSpec): unknown {
  return allocate(arenaAllocator(), spec);
}

function endlessSession(): Session {
  session ??= new Session(identityModel());
  return session;
}

function arenaAllocator(): unknown {
  allocator ??= created('CreateAllocator', endlessSession().native(), getEnvironment().hostMemory);
  return allocator;
}

/** Adds room for the gaps between results of different sizes. */
const withSlack = (bytes: number) => Math.ceil(1.1 * bytes);

let trimHeap: ((pad: number) => void) | undefined;

/** Makes the C library give free memory back, which it would keep after large pieces have come and gone. */
export function trim(): void {
  if (process.platform !== 'linux') return;
  try {
    trimHeap ??= koffi.load('libc.so.6').func('int malloc_trim(size_t pad)') as (pad: number) => void;
  } catch {
    // Only glibc needs it, and only glibc has it.
    trimHeap = () => {};
  }
  trimHeap(0);
}
