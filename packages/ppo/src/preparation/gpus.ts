import {
  activationBytes,
  bytesPerToken,
  cacheBytes,
  forwardFlop,
  type LoraConfig,
  PROJECTIONS,
  parameterCount,
  trainingMemory,
} from '@gram/model';
import { describeGpus, type GpuLoad } from '@gram/run';
import type { PreparedRlhf } from './prepare.js';

const USUAL_ADAPTER: LoraConfig = { rank: 16, alpha: 32, targets: PROJECTIONS };

/** Positions of the texts that a generator writes together. */
const CACHE_POSITIONS = 16_384;

/**
 * Says in lines what GPUs that can be rented would hold of a run of RLHF, and how long it would take there, but for its rewards; see
 * `describeGpus` for what is assumed. Responses are taken to be as long as they may.
 *
 * @param counts numbers of GPUs of a machine. @default 1 and 8
 */
export function describeRlhfOnGpus(
  { run, options, prompts, longestPrompt }: PreparedRlhf,
  counts?: readonly number[],
): string[] {
  const { config } = run.policy;
  const prompt = prompts.lengths.reduce((most, length) => Math.max(most, length), 1);
  const length = Math.min(prompt, longestPrompt) + options.maxNewTokens;
  const rows = options.microBatchSize ?? options.miniBatchSize;
  const models = run.value === undefined ? 1 : 2;
  const frozen = options.reference === 'none' ? 0 : 4 * parameterCount(config);
  const responses = options.steps * options.batchSize * options.samplesPerPrompt;
  const tokens = responses * length;
  // The head runs at the response tokens.
  const once = forwardFlop(config, tokens, responses * options.maxNewTokens);
  const together = Math.max(1, Math.floor(CACHE_POSITIONS / length));
  const load = (lora: LoraConfig | undefined): GpuLoad => {
    const memory = trainingMemory(config, { lora, optimizer: options.optimizer });
    const learning = options.epochs * (lora === undefined ? 3 : 2);
    return {
      weights: models * memory.weights + frozen,
      gradients: models * memory.gradients,
      moments: models * memory.moments,
      activations: activationBytes(config, rows, length),
      cache: cacheBytes(config, CACHE_POSITIONS),
      // Each model learns, and value model and reference measure once.
      flop: (models * learning + (models - 1) + (frozen > 0 ? 1 : 0)) * once,
      written: Math.ceil(responses / together) * options.maxNewTokens * bytesPerToken(config),
      steps:
        models *
        options.steps *
        options.epochs *
        Math.ceil(responses / options.steps / options.miniBatchSize),
    };
  };
  return [
    'GPUs: policy, value model and reference; rewards come on top, and LoRA is an estimate of what it would take',
    ...describeGpus({
      ...{ whole: load(undefined), adapter: load(USUAL_ADAPTER) },
      precision: run.precision ?? 'float32',
      ...(counts && { counts }),
    }),
  ];
}
