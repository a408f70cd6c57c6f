import { type ChatEncoderOptions, createChatEncoder, createPairEncoder, judgePrompt } from '@gram/tokenize';
import {
  type Examples,
  encodeDemonstrations,
  encodePolicyPairs,
  encodePreferences,
  encodeResponsePairs,
  encodeRewardPairs,
} from '../encode.js';
import { bradleyTerry } from '../objectives/bradley-terry.js';
import { directPreference } from '../objectives/direct-preference.js';
import { generalizableReward } from '../objectives/generalizable-reward.js';
import type { Objective } from '../objectives/objective.js';
import type { PolicyPair, ReferencedPair } from '../objectives/policy-pairs.js';
import { preference } from '../objectives/preference.js';
import { paperSmoothing } from '../objectives/smoothing.js';
import { pairGeneration, supervisedFineTuning } from '../objectives/token-generation.js';
import type { TrainingRecords } from './records.js';
import type { TrainingConfig } from './schema.js';

/** Adds to pairs what the model said of them before it was trained. */
export type Compare = (pairs: Examples<PolicyPair>) => Promise<Examples<ReferencedPair>>;

/** Encodes the records for their stage and hands them on with the objective of the stage. */
export async function encodeFor<Prepared>(
  config: TrainingConfig,
  records: TrainingRecords,
  options: ChatEncoderOptions,
  judge: string | undefined,
  compare: Compare,
  prepared: <Example>(encoded: Examples<Example>, objective: Objective<Example>) => Prepared,
): Promise<Prepared> {
  const { smoothingConvention, seed, beta, vocabulary } = config;
  const labelSmoothing =
    config.labelSmoothing === undefined
      ? undefined
      : paperSmoothing(config.labelSmoothing, smoothingConvention);
  switch (records.stage) {
    case 'sft': {
      const encoder = await createChatEncoder(options);
      return prepared(await encodeDemonstrations(encoder, records.demonstrations), supervisedFineTuning);
    }
    case 'direct-preference': {
      const pairs = await encodePolicyPairs(await createChatEncoder(options), records.pairs);
      return prepared(await compare(pairs), directPreference({ beta, labelSmoothing }));
    }
    case 'bradley-terry': {
      const { regulariser, positiveRegularisation, margin } = config.baseline ?? {};
      const encoder = await createChatEncoder(options);
      if (regulariser !== undefined) {
        const pairs = await encodePolicyPairs(encoder, records.pairs);
        return regulariser === 'sft'
          ? prepared(pairs, generalizableReward('sft'))
          : prepared(await compare(pairs), generalizableReward('dpo'));
      }
      return prepared(
        await encodeRewardPairs(encoder, records.pairs),
        bradleyTerry({ labelSmoothing, positiveRegularisation, margin }),
      );
    }
  }
  const encoder = await createPairEncoder({ ...options, prompt: judgePrompt(judge!) });
  if (records.stage === 'pair-generation') {
    return prepared(await encodeResponsePairs(encoder, records.pairs), pairGeneration);
  }
  return prepared(
    await encodePreferences(encoder, records.pairs, seed),
    preference({ labels: encoder.labelIds, labelSmoothing, vocabulary }),
  );
}
