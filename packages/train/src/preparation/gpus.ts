import {
  activationBytes,
  adapterShapes,
  forwardFlop,
  type LoraConfig,
  PROJECTIONS,
  trainingMemory,
  weightShapes,
} from '@gram/model';
import { describeGpus, type GpuLoad, trainingFlop } from '@gram/run';
import { gradientGroupBytes } from '../distributed/gpus/gradient-groups.js';
import { createOptimizer } from '../optimizers/table.js';
import type { TrainingConfig } from '../settings/schema.js';
import { memorySizes } from './memory.js';
import type { PreparedTraining } from './prepare.js';

/** The adapter that stands beside training of all weights: a usual one. */
const USUAL_ADAPTER: LoraConfig = { rank: 16, alpha: 32, targets: PROJECTIONS };

/**
 * Says in lines what GPUs that can be rented would hold of a run that was prepared, and how long it would take there; see `describeGpus`
 * for what is assumed.
 *
 * @param counts numbers of GPUs of a machine. @default 1 and 8
 */
export function describeTrainingOnGpus(
  config: TrainingConfig,
  prepared: PreparedTraining,
  counts?: readonly number[],
): string[] {
  const { rows, longest, trainsAdapter, trainedParameters, momentValues } = memorySizes(config, prepared);
  const { gradientCheckpointing, lora = USUAL_ADAPTER, optimizer, precision } = config;
  const activations = (checkpoints: boolean) =>
    activationBytes(prepared.config, rows, longest, { gradientCheckpointing: checkpoints });
  const tokens = prepared.tokens * optimizer.epochs;
  const workOf = (adapter: LoraConfig | undefined) => {
    const sizes = { tokens, trainsAdapter: adapter !== undefined, gradientCheckpointing };
    const flop = trainingFlop({ config: prepared.config, ...sizes });
    const shapes =
      adapter === undefined ? weightShapes(prepared.config) : adapterShapes(prepared.config, adapter);
    const sum = {
      groups: gradientGroupBytes(mapShapes(shapes)),
      steps: prepared.totalSteps,
      examples: optimizer.batchSize,
      rows,
      flop: flop - forwardFlop(prepared.config, tokens, 0),
    };
    return { activations: activations(gradientCheckpointing), cache: 0, written: 0, flop, sums: [sum] };
  };
  const adapter: GpuLoad = {
    ...trainingMemory(prepared.config, { lora, optimizer: createOptimizer(optimizer) }),
    ...workOf(lora),
  };
  const { weights } = trainingMemory(prepared.config);
  const [gradients, moments] = [4 * trainedParameters, 4 * momentValues];
  const whole = trainsAdapter ? undefined : { weights, gradients, moments, ...workOf(undefined) };
  const [kept, again] = [false, true].map((checkpoints) => (activations(checkpoints) / 1e9).toFixed(2));
  return [
    `activations: ${rows} sequences of ${longest} tokens take ${kept} GB, with gradientCheckpointing ${again} GB`,
    ...describeGpus({ whole, adapter, precision, ...(counts && { counts }) }),
  ];
}

function mapShapes(shapes: Readonly<Record<string, readonly number[]>>) {
  return Object.fromEntries(Object.entries(shapes).map(([name, shape]) => [name, { shape }]));
}
