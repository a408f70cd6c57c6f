import type { DeviceName } from '@gram/engine';
import { TrainError } from '../error.js';
import type { GradientTraffic } from './gpus/gradient-sums.js';
import type { GpuExchange } from './gpus/open-gpus.js';

/** Numbers that can be summed over processes. */
export type Numbers = Float32Array | Float64Array;

/** Place of a process among those that train together. */
export interface Place {
  /** Number of this process, from 0. */
  readonly rank: number;
  /** Number of processes. */
  readonly size: number;
  /** Number of this process among those on the same machine, from 0. */
  readonly localRank: number;
}

/**
 * Processes that train together. Each of the operations must be called by all ranks, in the same order and with the same
 * sizes; it resolves when this rank has its result. Arrays must not be touched until then. The JavaScript thread stays
 * free meanwhile.
 *
 * A rank that dies or stalls is named on standard error and ends the others, see `connect`.
 */
export interface Communicator extends Place {
  /** Replaces `values` by their sum over all ranks: the same bits on each. */
  allReduceSum(values: Numbers): Promise<void>;
  /**
   * Sums parts of an array, each for one rank.
   *
   * @param values all parts, one after the other; they stay as they are
   * @param counts length of each rank's part; they sum to `values.length`
   * @param into the sum of this rank's part, `counts[rank]` numbers
   */
  reduceScatterSum(values: Float32Array, counts: readonly number[], into: Float32Array): Promise<void>;
  /**
   * Gives every rank the parts of all.
   *
   * @param values room for all parts, one after the other, with this rank's part in its place
   * @param counts length of each rank's part; they sum to `values.length`
   */
  allGather(values: Float32Array | Uint8Array, counts: readonly number[]): Promise<void>;
  /** Replaces `values` by those of one rank. @param root which rank. @default 0 */
  broadcast(values: Numbers | Uint8Array, root?: number): Promise<void>;
  /**
   * Connects the GPUs of all ranks, where each computes on one and has NCCL, so that arrays are summed without host memory. Missing
   * where ranks have no GPUs.
   *
   * @param device on which this rank computes
   * @throws {TrainError} `nccl` where the library cannot connect them
   */
  gpus?(device: DeviceName): Promise<GpuExchange>;
  /** Gradients that the GPUs of other ranks have sent to that of this one so far; missing where ranks have no GPUs. */
  gradientTraffic?(): GradientTraffic;
  /** Waits until all ranks are here. */
  barrier(): Promise<void>;
  /**
   * Does work that keeps the other ranks waiting for longer than the limit of a stall, such as writing a checkpoint.
   * Meanwhile only a process that gives no sign of life counts as stalled.
   */
  patiently<T>(work: () => T | Promise<T>): Promise<T>;
  /** Waits for all ranks and leaves; nothing may be called afterwards. */
  close(): Promise<void>;
  /**
   * Says why on standard error, in the name of this rank, and has the launcher end all processes with a failure.
   *
   * @throws {TrainError} `mpi` in a process that trains alone; else it does not come back
   */
  abort(reason: string): Promise<never>;
}

const nothing = () => Promise.resolve();

/** A process that trains alone: every operation is done at once, and no library is loaded. */
export const singleProcess: Communicator = {
  rank: 0,
  size: 1,
  localRank: 0,
  allReduceSum: nothing,
  reduceScatterSum: async (values, _counts, into) => into.set(values),
  allGather: nothing,
  broadcast: nothing,
  barrier: nothing,
  patiently: async (work) => work(),
  close: nothing,
  abort: async (reason) => {
    throw new TrainError('mpi', reason, 'correct what the message says');
  },
};
