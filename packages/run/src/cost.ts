import { type DeviceName, fastestDevice, matrixRate } from '@gram/engine';
import { activationBytes, forwardFlop, type ModelConfig, parameterCount } from '@gram/model';
import { formatDuration } from '@gram/report';

/** Share of the rate of matrix products that a training step reaches, as `npm run bench:engine` measures it. */
const EFFICIENCY = 0.7;

/** Sizes of a run, from which its memory follows. */
export interface MemorySizes {
  /** Architecture of the model. */
  readonly config: ModelConfig;
  /** Sequences that are computed at once, and tokens of the longest one. */
  readonly rows: number;
  readonly longest: number;
  /** Parameters that are trained. */
  readonly trainedParameters: number;
  /** Numbers that the optimizer remembers. */
  readonly momentValues: number;
  /** Whether the trained parameters are those of an adapter, beside those of the model. */
  readonly trainsAdapter: boolean;
  readonly gradientCheckpointing: boolean;
}

/** Sizes of a run, from which its cost follows. */
export interface RunSizes extends MemorySizes {
  /** Tokens of all epochs, padding left out. */
  readonly tokens: number;
  readonly device: DeviceName | 'auto';
  /** Share of the steps that were done before. @default 0 */
  readonly doneShare?: number;
}

/** Time and memory that a run will take. */
export interface RunCost {
  /** Bytes of weights, gradients, moments and the activations of one micro-batch. */
  readonly bytes: number;
  /** Tokens of all epochs, padding left out. */
  readonly tokens: number;
  /** Time that is left; undefined where the speed of the device is not known. */
  readonly seconds: number | undefined;
}

/** Estimates the memory of a run, in bytes: weights, gradients, moments and the activations of one micro-batch. */
export function memoryOfRun({ config, rows, longest, ...sizes }: MemorySizes): number {
  const { trainedParameters, momentValues, trainsAdapter, gradientCheckpointing } = sizes;
  const weights = parameterCount(config) + (trainsAdapter ? trainedParameters : 0);
  const activations = activationBytes(config, rows, longest, { gradientCheckpointing });
  return 4 * (weights + trainedParameters + momentValues) + activations;
}

/** Floating-point operations of training: a forward pass, once more with checkpointing, and the gradients. */
export function trainingFlop({
  config,
  tokens,
  trainsAdapter,
  gradientCheckpointing,
}: Pick<RunSizes, 'config' | 'tokens' | 'trainsAdapter' | 'gradientCheckpointing'>): number {
  // The gradient of the states, and that of the weights where they are trained.
  const passes = (trainsAdapter ? 2 : 3) + (gradientCheckpointing ? 1 : 0);
  return passes * forwardFlop(config, tokens, 0);
}

/** Estimates memory and time of a run from its sizes and the speed of this machine, which is measured. */
export async function estimateCost(sizes: RunSizes): Promise<RunCost> {
  const { tokens, doneShare = 0 } = sizes;
  const flop = trainingFlop(sizes);
  const rate = await rateOf(sizes.device);
  return {
    bytes: memoryOfRun(sizes),
    tokens,
    seconds: rate === undefined ? undefined : ((1 - doneShare) * flop) / (EFFICIENCY * rate),
  };
}

/** Floating-point operations per second; of `tensorflow`, which runs no graphs, they are not measured. */
async function rateOf(device: DeviceName | 'auto'): Promise<number | undefined> {
  const name = device === 'auto' ? await fastestDevice() : device;
  return name === 'tensorflow' ? undefined : matrixRate(name, { size: 512, runs: 3 });
}

/** Writes a cost in words: memory, tokens and, where it is known, the time. */
export function formatCost({ bytes, tokens, seconds }: RunCost): string {
  const memory = bytes < 1e9 ? `${Math.ceil(bytes / 1e6)} MB` : `${(bytes / 1e9).toFixed(1)} GB`;
  const time = seconds === undefined ? '' : `, ${formatDuration(seconds)}`;
  return `${memory} of memory, ${tokens.toLocaleString('en-US')} tokens${time}`;
}
