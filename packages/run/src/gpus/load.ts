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
  /** The sums of the gradients of each model that learns. */
  readonly sums: readonly GradientSum[];
}

/** The sums over GPUs of the gradients of a model. */
export interface GradientSum {
  /** Bytes of the gradients in groups, in the order in which a backward pass gives them and each is summed while it goes on. */
  readonly groups: readonly number[];
  /** Gradient steps of the run. */
  readonly steps: number;
  /** Examples of a step on all GPUs, and the most of them in a micro-batch. */
  readonly examples: number;
  readonly rows: number;
  /** Floating-point operations of the backward passes of the run. */
  readonly flop: number;
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

/** The way in which GPUs share a run, and in which precision they multiply. */
export interface GpuUse {
  readonly gpus: number;
  readonly precision: Precision;
  readonly sharing: Sharing;
}

/**
 * Estimates the seconds of a run on n GPUs: operations at a part of the stated rate, texts at a part of the stated bandwidth, and what is
 * waited for sums of gradients.
 */
export function secondsOnGpus(load: GpuLoad, type: GpuType, { gpus, precision, sharing }: GpuUse): number {
  const rate = REACHED[precision] * type.rates[precision];
  const computing = load.flop / (gpus * rate);
  const writing = load.written / (gpus * READ * type.bandwidth);
  const waiting = load.sums.map((sum) => waitingSeconds(sum, { gpus, sharing, rate, link: type.link }));
  return waiting.reduce((total, seconds) => total + seconds, computing + writing);
}

/**
 * Estimates the seconds of a run in which GPUs wait for sums of gradients. An all-reduce moves `2 (n - 1) / n` times their size past every
 * GPU, a reduce-scatter or an all-gather half of that (Patarasuk and Yuan 2009). Data parallel sums during the last backward pass of a
 * step; ZeRO-1 reduces to shares then, ZeRO-2 during each, and both gather the weights after the update, while nothing is computed.
 */
function waitingSeconds(
  { groups, steps, examples, rows, flop }: GradientSum,
  use: { readonly gpus: number; readonly sharing: Sharing; readonly rate: number; readonly link: number },
): number {
  const { gpus, sharing, rate, link } = use;
  if (gpus === 1) return 0;
  const bytes = groups.reduce((sum, group) => sum + group, 0);
  const half = (((gpus - 1) / gpus) * bytes) / link;
  const size = Math.min(rows, Math.ceil(examples / gpus));
  const backward = ((flop / steps) * (size / examples)) / rate;
  if (sharing === 'none') return steps * secondsAfterBackward(groups, backward, 2 * half);
  const passes = sharing === 'zero2' ? Math.ceil(examples / (gpus * size)) : 1;
  return steps * (passes * secondsAfterBackward(groups, backward, half) + half);
}

/**
 * Estimates the seconds from the end of a backward pass to that of the sums of its gradients. The pass is taken to give bytes of gradients
 * evenly and not to be slowed by sums; that of a group begins when its gradients are there and the sum before it has ended.
 *
 * @param backward seconds of the pass
 * @param summing seconds of all sums, one after the other
 */
function secondsAfterBackward(groups: readonly number[], backward: number, summing: number): number {
  const bytes = groups.reduce((sum, group) => sum + group, 0);
  let computed = 0;
  let summed = 0;
  for (const group of groups) {
    computed += (backward * group) / bytes;
    summed = Math.max(summed, computed) + (summing * group) / bytes;
  }
  return summed - backward;
}
