import type { MemoryNeed } from '@gram/base';
import { fastestDevice } from '@gram/engine';
import { type MemorySizes, memoryOfRun } from '@gram/run';
import type { TrainingConfig } from '../settings/schema.js';

/** Sizes that a configuration and its examples give a run. */
export function memorySizes(
  { optimizer, lora, gradientCheckpointing }: TrainingConfig,
  sizes: Pick<MemorySizes, 'config' | 'longest' | 'trainedParameters' | 'momentValues'>,
): MemorySizes {
  const { config, longest, trainedParameters, momentValues } = sizes;
  const rows = optimizer.microBatchSize ?? optimizer.batchSize;
  const trainsAdapter = lora !== undefined;
  return { config, rows, longest, trainedParameters, momentValues, trainsAdapter, gradientCheckpointing };
}

/** Memory that training takes, and the settings that lower it. */
export function trainingNeed(config: TrainingConfig, sizes: MemorySizes): MemoryNeed {
  const lower = ['optimizer.microBatchSize', 'maxLength', 'the size of the model'];
  if (sizes.rows === 1) lower.shift();
  const also = config.gradientCheckpointing ? [] : ['set gradientCheckpointing: true'];
  if (config.lora === undefined) also.push('train an adapter (lora)');
  const hint = [`lower ${listed(lower)}`, ...also].join(', or ');
  return { work: 'training', bytes: memoryOfRun(sizes), hint };
}

/** Whether a run computes in the memory of this process, and not in that of an accelerator. */
export async function computesInHostMemory({ device }: Pick<TrainingConfig, 'device'>): Promise<boolean> {
  const name = device === 'auto' ? await fastestDevice() : device;
  return name === 'cpu' || name === 'tensorflow';
}

function listed(words: readonly string[]): string {
  return `${words.slice(0, -1).join(', ')} or ${words.at(-1)}`;
}
