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

/** The examples of a run: those that are trained on, and those that are held out, where there are any. */
export interface EncodedSplit<Example> extends Examples<Example> {
  readonly heldOut?: readonly Example[];
}

/** Encodes the records for their stage and hands them on with the objective of the stage. */
export async function encodeFor<Prepared>(
  config: TrainingConfig,
  records: TrainingRecords,
  options: ChatEncoderOptions,
  judge: string | undefined,
  compare: Compare,
  prepared: <Example>(split: EncodedSplit<Example>, objective: Objective<Example>) => Prepared,
): Promise<Prepared> {
  const { smoothingConvention, seed, beta, vocabulary } = config;
  const labelSmoothing =
    config.labelSmoothing === undefined
      ? undefined
      : paperSmoothing(config.labelSmoothing, smoothingConvention);
  switch (records.stage) {
    case 'sft': {
      const encoder = await createChatEncoder(options);
      const split = await encodeSplit(records, (items) => encodeDemonstrations(encoder, items));
      return prepared(split, supervisedFineTuning);
    }
    case 'direct-preference': {
      const encoder = await createChatEncoder(options);
      const split = await encodeSplit(records, async (items) =>
        compare(await encodePolicyPairs(encoder, items)),
      );
      return prepared(split, directPreference({ beta, labelSmoothing }));
    }
    case 'bradley-terry': {
      const { regulariser, positiveRegularisation, margin } = config.baseline ?? {};
      const encoder = await createChatEncoder(options);
      const policyPairs = (items: typeof records.items) => encodePolicyPairs(encoder, items);
      switch (regulariser) {
        case 'sft':
          return prepared(await encodeSplit(records, policyPairs), generalizableReward('sft'));
        case 'dpo': {
          const split = await encodeSplit(records, async (items) => compare(await policyPairs(items)));
          return prepared(split, generalizableReward('dpo'));
        }
        default: {
          const split = await encodeSplit(records, (items) => encodeRewardPairs(encoder, items));
          return prepared(split, bradleyTerry({ labelSmoothing, positiveRegularisation, margin }));
        }
      }
    }
  }
  const encoder = await createPairEncoder({ ...options, prompt: judgePrompt(judge!) });
  if (records.stage === 'pair-generation') {
    const split = await encodeSplit(records, (items) => encodeResponsePairs(encoder, items));
    return prepared(split, pairGeneration);
  }
  return prepared(
    await encodeSplit(records, (items) => encodePreferences(encoder, items, seed)),
    preference({ labels: encoder.labelIds, labelSmoothing, vocabulary }),
  );
}

async function encodeSplit<Item, Example>(
  { items, heldOut }: { readonly items: readonly Item[]; readonly heldOut?: readonly Item[] },
  encode: (items: readonly Item[]) => Promise<Examples<Example>>,
): Promise<EncodedSplit<Example>> {
  return { ...(await encode(items)), ...(heldOut && { heldOut: (await encode(heldOut)).examples }) };
}
