import type { Precision } from '@gram/engine';
import { formatDuration, textTable } from '@gram/report';
import { bytesOfGpu, fitsOnGpu, type GpuLoad, type Sharing, secondsOnGpus } from './load.js';
import { GPU_TYPES } from './types.js';

/** The ways in which several GPUs share a run, as a table names them. */
const SHARINGS: readonly { readonly name: string; readonly sharing: Sharing }[] = [
  { name: 'data parallel', sharing: 'none' },
  { name: 'ZeRO-1', sharing: 'zero1' },
  { name: 'ZeRO-2', sharing: 'zero2' },
];

/** The run that `describeGpus` describes. */
export interface GpuPlan {
  /** The run with what it trains; with `whole` an adapter is the alternative, else the run trains one. */
  readonly whole?: GpuLoad | undefined;
  readonly adapter: GpuLoad;
  /** Numbers of GPUs of a machine to state. @default 1 and 8 */
  readonly counts?: readonly number[];
  /** Ways in which several GPUs can share the run. @default all */
  readonly sharings?: readonly Sharing[];
  readonly precision: Precision;
}

const gigabytes = (bytes: number) => `${(bytes / 1e9).toFixed(bytes < 1e9 ? 2 : 1)} GB`;

/** Says in lines what each type of GPU would hold and how long it would take, at stated rates; nothing of it is measured. */
export function describeGpus({ whole, adapter, counts = [1, 8], sharings, precision }: GpuPlan): string[] {
  const possible = SHARINGS.filter(({ sharing }) => sharings === undefined || sharings.includes(sharing));
  const ways = [
    ...(whole === undefined ? [] : possible.map((way) => ({ ...way, load: whole }))),
    { name: 'LoRA', sharing: 'none' as const, load: adapter },
  ];
  const rows = counts.flatMap((gpus) =>
    GPU_TYPES.map((type) => [
      `${gpus} x ${type.name}`,
      ...ways.map(({ load, sharing }) => {
        const bytes = bytesOfGpu(load, sharing, gpus);
        const time = formatDuration(secondsOnGpus(load, type, { gpus, precision, sharing }));
        return fitsOnGpu(bytes, type) ? `${gigabytes(bytes)}, ${time}` : `${gigabytes(bytes)}: too much`;
      }),
    ]),
  );
  const columns = [{ name: 'GPUs' }, ...ways.map(({ name }) => ({ name }))];
  return [
    ...(whole === undefined ? [] : [`one GPU, all weights: ${partsOf(whole)}`]),
    `one GPU, LoRA: ${partsOf(adapter)}`,
    ...textTable({ columns, rows }).split('\n'),
    `Bytes of each GPU and time of the run in ${precision}, at rates that makers state and shares of them that we assume; not measured.`,
  ];
}

function partsOf({ weights, gradients, moments, activations, cache }: GpuLoad): string {
  const parts = { weights, gradients, moments, activations, cache };
  return Object.entries(parts)
    .filter(([name, bytes]) => bytes > 0 || name !== 'cache')
    .map(([name, bytes]) => `${name} ${gigabytes(bytes)}`)
    .join(', ');
}
