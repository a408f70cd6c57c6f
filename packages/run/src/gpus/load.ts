import type { Precision } from '@gram/engine';
import type { GpuType } from './types.js';

/** The memory and the computation of one GPU that did the whole of a run. */
export interface GpuLoad {
  /** Bytes of the weights of all models. */
  readonly weights: number;
  /** Bytes of the gradients, and of what the optimizer remembers. */
  readonly gradients: number;
  readonly moments: number;
  /** Bytes of the intermediate results of one micro-batch. */
  readonly activations: number;
  /** Bytes of the keys and values of texts that are written. */
  readonly cache: number;
  /** Floating-point operations of the run. */
  readonly flop: number;
  /** Bytes of weights that are read to write the texts of the run, token by token. */
  readonly written: number;
  /** Gradient steps of the run. */
  readonly steps: number;
}

/** The arrays that several GPUs deal out among them: none, the moments, or the sums of the gradients as well. */
export type Sharing = 'none' | 'zero1' | 'zero2';

/** Bytes that the driver, the libraries and their working memory take. */
const RESERVED = 1.5 * 2 ** 30;

/** Share of the rest that arrays can fill: the allocator rounds up and leaves holes. */
const FILLED = 0.92;

/** Share of the stated rate that training reaches. Assumed: products in few bits wait for operations in float32 in between. */
const REACHED: Readonly<Record<Precision, number>> = { float32: 0.6, tf32: 0.4, bfloat16: 0.3, float16: 0.3 };

/** Share of the stated bandwidth that writing text reaches. Assumed. */
const READ = 0.5;

/**
 * Estimates the bytes of one of n GPUs. Weights, activations and cache are on each; ZeRO-1 deals the moments out. ZeRO-2 also deals the
 * sums of the gradients out, but the backward pass of a micro-batch is one graph, at whose end all of its gradients are there:
 *
 *     none: w + g + m + a        zero1: w + g + m / n + a        zero2: w + g + g / n + m / n + a
 */
export function bytesOfGpu(load: GpuLoad, sharing: Sharing, gpus: number): number {
  const { weights, gradients, moments, activations, cache } = load;
  const sums = sharing === 'zero2' && gpus > 1 ? gradients / gpus : 0;
  const kept = sharing === 'none' ? moments : moments / gpus;
  return weights + gradients + sums + kept + Math.max(activations, cache);
}

/** Whether arrays of so many bytes fit on a GPU. */
export function fitsOnGpu(bytes: number, { memory }: Pick<GpuType, 'memory'>): boolean {
  return bytes <= FILLED * (memory - RESERVED);
}

/**
 * Estimates the seconds of a run on n GPUs: operations at a part of the stated rate, texts at a part of the stated bandwidth, and the
 * sums of the gradients, of which every GPU sends and receives `2 (n - 1) / n` times their size at each step (Patarasuk and Yuan 2009)
 * and nothing meanwhile. Reduce-scatter and all-gather of ZeRO move the same. Training sums most of it while backward passes run, so
 * that this is the most that the sums can take.
 */
export function secondsOnGpus(
  { flop, written, gradients, steps }: GpuLoad,
  { rates, bandwidth, link }: GpuType,
  { gpus, precision }: { readonly gpus: number; readonly precision: Precision },
): number {
  const computing = flop / (gpus * REACHED[precision] * rates[precision]);
  const writing = written / (gpus * READ * bandwidth);
  const summing = (steps * 2 * ((gpus - 1) / gpus) * gradients) / link;
  return computing + writing + summing;
}
