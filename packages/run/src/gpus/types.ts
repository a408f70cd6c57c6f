import type { Precision } from '@gram/engine';

/** A type of GPU with what its maker states of it. */
export interface GpuType {
  readonly name: string;
  /** Bytes of its memory. */
  readonly memory: number;
  /** Floating-point operations per second of dense matrix products by precision, at best. */
  readonly rates: Readonly<Record<Precision, number>>;
  /** Bytes per second that it reads from its memory. */
  readonly bandwidth: number;
  /** Bytes per second to the other GPUs of its machine, in each direction. */
  readonly link: number;
}

const GIB = 2 ** 30;
const TERA = 1e12;
const GIGA = 1e9;

function gpu(
  name: string,
  [memory, bandwidth, link]: readonly [gibibytes: number, gigabytes: number, gigabytes: number],
  [float32, tf32, half]: readonly [number, number, number],
): GpuType {
  return {
    name,
    memory: memory * GIB,
    rates: {
      float32: float32 * TERA,
      tf32: tf32 * TERA,
      bfloat16: half * TERA,
      float16: half * TERA,
    },
    bandwidth: bandwidth * GIGA,
    link: link * GIGA,
  };
}

/**
 * GPUs that can be rented, by the data sheets of NVIDIA: dense rates of the SXM form, without sparsity and with sums in float32. The
 * link is half of what is stated for both directions of NVLink, and for the RTX 4090, which has none, what PCIe 4.0 moves in practice.
 */
export const GPU_TYPES: readonly GpuType[] = [
  gpu('RTX 4090 24 GB', [24, 1008, 25], [82.6, 82.6, 165.2]),
  gpu('A100 40 GB', [40, 1555, 300], [19.5, 156, 312]),
  gpu('A100 80 GB', [80, 2039, 300], [19.5, 156, 312]),
  gpu('H100 80 GB', [80, 3350, 450], [66.9, 494.7, 989.4]),
  gpu('H200 141 GB', [141, 4800, 450], [66.9, 494.7, 989.4]),
];
