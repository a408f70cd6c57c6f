import { type Fingerprint, fingerprintOf, fingerprintOfWeights } from '@gram/run';
import type { PpoRun } from './run.js';

/** Identifies a policy and the prompts that it answers. */
export function policyIdentity({
  policy,
  tokenizer,
  prompts,
  stop,
  identity,
}: Pick<PpoRun, 'policy' | 'tokenizer' | 'prompts' | 'stop' | 'identity'>): Fingerprint {
  const { chat, maxLength, encoding = 'apart' } = policy.gram;
  return {
    tokenizer: fingerprintOf(tokenizer.json),
    prompt: fingerprintOf([chat, maxLength, encoding]),
    'policy architecture': fingerprintOf(policy.config),
    'policy weights': fingerprintOfWeights(policy.weights),
    ...(policy.adapter && {
      lora: fingerprintOf(policy.adapter.lora),
      'policy adapter': fingerprintOfWeights(policy.adapter.weights),
    }),
    prompts: fingerprintOf(prompts),
    ...(stop && { stop: fingerprintOf(stop) }),
    ...identity,
  };
}
