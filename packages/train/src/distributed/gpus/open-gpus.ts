import { createGpuStream, type DeviceName } from '@gram/engine';
import { elementAt } from '../../checked.js';
import { TrainError } from '../../error.js';
import { BUCKET_BYTES } from './gradient-groups.js';
import type { GradientTraffic } from './gradient-sums.js';
import { type Call, loadNccl, type Nccl, type NcclLibrary } from './nccl.js';

/** The way that values take from GPU to GPU. */
export interface GpuExchange {
  /** A line that says which way it is, such as `by NCCL 2.28.9`, or why values go through host memory. */
  readonly description: string;
  /** Runs operations of NCCL, as one of all ranks that do; see `Nccl`. Missing where values go through host memory. */
  readonly run?: (calls: readonly Call[]) => Promise<void>;
  /** Bytes of gradients for which an operation is worth its own time, as that of starting it. */
  readonly bucketBytes: number;
  /** Counts gradients that have come by `run`. */
  count(traffic: GradientTraffic): void;
}

/** The GPUs of all ranks. */
export interface Gpus {
  /**
   * Connects them, once for each device. All ranks call it together.
   *
   * @param device on which this rank computes
   * @throws {TrainError} `nccl` where they cannot be connected although every rank has a GPU and the library
   */
  open(device: DeviceName): Promise<GpuExchange>;
  /** Gradients that were counted so far. */
  readonly traffic: GradientTraffic;
  close(): Promise<void>;
  /** Ends operations that wait for other ranks. */
  abort(): void;
}

/** A note of a rank to all others. */
export interface GpuNote {
  /** The reason why its values go through host memory; missing where they need not. */
  readonly lacks?: string;
  /** The identity of the group in base64, which rank 0 makes. */
  readonly id?: string;
}

/** Characters of a reason that a note has room for. */
const LONGEST = 400;

/** @param exchange gives every rank the notes of all, in the order of the ranks */
export function createGpus(
  { rank, size }: { readonly rank: number; readonly size: number },
  exchange: (note: GpuNote) => Promise<readonly GpuNote[]>,
): Gpus {
  const opened: Nccl[] = [];
  const known = new Map<DeviceName, Promise<GpuExchange>>();
  let traffic: GradientTraffic = { received: 0, overlapped: 0 };
  const shared = {
    bucketBytes: BUCKET_BYTES,
    count({ received, overlapped }: GradientTraffic) {
      traffic = { received: traffic.received + received, overlapped: traffic.overlapped + overlapped };
    },
  };
  async function connect(device: DeviceName): Promise<GpuExchange> {
    const { library, lacks } = await libraryFor(device);
    const id = rank === 0 ? library?.createId() : undefined;
    const notes = await exchange({ lacks, id: id && Buffer.from(id).toString('base64') });
    const lacking = notes.findIndex((note) => note.lacks !== undefined);
    if (library === undefined || lacking >= 0) {
      const description = `in host memory: rank ${lacking}: ${elementAt(notes, lacking).lacks}`;
      return { description, ...shared };
    }
    const place = { id: Buffer.from(elementAt(notes, 0).id ?? '', 'base64'), rank, size };
    const nccl = await library.join(place, () => createGpuStream(device));
    opened.push(nccl);
    return { description: `by NCCL ${library.version}`, run: (calls) => nccl.run(calls), ...shared };
  }
  return {
    open(device) {
      const before = known.get(device);
      if (before !== undefined) return before;
      const connecting = connect(device);
      known.set(device, connecting);
      return connecting;
    },
    get traffic() {
      return traffic;
    },
    async close() {
      for (const nccl of opened) await nccl.close();
    },
    abort() {
      for (const nccl of opened) nccl.abort();
    },
  };
}

/** The library, or what keeps a rank from using it. */
async function libraryFor(
  device: DeviceName,
): Promise<{ readonly library?: NcclLibrary; readonly lacks?: string }> {
  if (!device.startsWith('cuda')) return { lacks: `it computes on ${device}` };
  try {
    return { library: await loadNccl() };
  } catch (cause) {
    if (!(cause instanceof TrainError)) throw cause;
    return { lacks: `${cause.message}; ${cause.hint}`.slice(0, LONGEST) };
  }
}
