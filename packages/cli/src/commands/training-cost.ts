import { fastestDevice, matrixRate } from '@gram/engine';
import { activationBytes, forwardFlop, type LoraConfig, trainingBytes } from '@gram/model';
import { formatDuration } from '@gram/report';
import type { PreparedTraining, TrainingConfig } from '@gram/train';
import type { Io } from '../command.js';

/** Share of the rate of matrix products that a training step reaches, as `npm run bench:engine` measures it. */
const EFFICIENCY = 0.7;

/** What a run will take. */
export interface TrainingCost {
  /** Bytes of weights, gradients, moments and the activations of one micro-batch. */
  readonly bytes: number;
  /** Tokens of all epochs, padding left out. */
  readonly tokens: number;
  /** Undefined where the speed of the device is not known. */
  readonly seconds: number | undefined;
}

/** Estimates a run from its sizes and the speed of this machine. */
export async function estimateCost(
  { optimizer, lora, device, gradientCheckpointing }: TrainingConfig,
  { config, longest, tokens, totalSteps, doneSteps }: PreparedTraining,
): Promise<TrainingCost> {
  const rows = optimizer.microBatchSize ?? optimizer.batchSize;
  const activations = activationBytes(config, rows, longest, { gradientCheckpointing });
  const bytes = trainingBytes(config, lora as LoraConfig | undefined) + activations;
  // Forward, once more with checkpointing, the gradient of the states, and that of the weights where they are trained.
  const passes = (lora === undefined ? 3 : 2) + (gradientCheckpointing ? 1 : 0);
  const all = tokens * optimizer.epochs;
  const flop = passes * forwardFlop(config, all, 0);
  const rate = await rateOf(device);
  const left = 1 - doneSteps / totalSteps;
  return {
    bytes,
    tokens: all,
    seconds: rate === undefined ? undefined : (left * flop) / (EFFICIENCY * rate),
  };
}

/** Floating-point operations per second; of `tensorflow`, which runs no graphs, they are not measured. */
async function rateOf(device: TrainingConfig['device']): Promise<number | undefined> {
  const name = device === 'auto' ? await fastestDevice() : device;
  return name === 'tensorflow' ? undefined : matrixRate(name, { size: 512, runs: 3 });
}

/** Says before a run starts what it will take. */
export async function describeCost(
  config: TrainingConfig,
  prepared: PreparedTraining,
  { stderr }: Io,
): Promise<void> {
  const { bytes, tokens, seconds } = await estimateCost(config, prepared);
  const memory = bytes < 1e9 ? `${Math.ceil(bytes / 1e6)} MB` : `${(bytes / 1e9).toFixed(1)} GB`;
  stderr.write(
    `estimate: ${memory} of memory, ${tokens.toLocaleString('en-US')} tokens${seconds === undefined ? '' : `, ${formatDuration(seconds)}`}\n`,
  );
}
