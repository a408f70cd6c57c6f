import type { DataRecord } from '@gram/data';
import {
  type ChatEncoderOptions,
  type ChatLayout,
  type ChatTemplateOptions,
  createChatEncoder,
  createChatTemplate,
  createPairEncoder,
  type JudgePrompt,
  type PairEncoder,
  tokenizerFromJson,
} from '@gram/tokenize';
import { TrainError } from '../error.js';
import {
  demonstrationEncoder,
  policyPairEncoder,
  preferenceEncoder,
  responsePairEncoder,
  rewardPairEncoder,
} from './encode.js';
import type { RecordEncoder, Way } from './encode-all.js';

/** Options of encoding texts, and the judging prompt of a model that judges. */
export interface EncodingTools {
  readonly encoding: ChatEncoderOptions;
  readonly judgePrompt: JudgePrompt | undefined;
}

/**
 * Creates the encoder of pairs of a model that judges.
 *
 * @throws {TrainError} `bad-config` when the model has no judging prompt; the errors of `createPairEncoder`
 */
export async function pairEncoderOf({ encoding, judgePrompt }: EncodingTools): Promise<PairEncoder> {
  if (judgePrompt !== undefined) return createPairEncoder({ ...encoding, prompt: judgePrompt });
  throw new TrainError('bad-config', 'the model has no judging prompt', 'set init.judgePrompt');
}

/** All that an encoder of records is made of, as plain data, which another thread can be given. */
export interface EncoderSettings extends Omit<ChatEncoderOptions, 'tokenizer' | 'chat'> {
  readonly way: Way;
  readonly tokenizerJson: string;
  readonly chat: Omit<ChatLayout, 'template'>;
  readonly template: ChatTemplateOptions | undefined;
  readonly judgePrompt: JudgePrompt | undefined;
}

/** Describes the encoder of a way that is made with these tools. */
export function encoderSettings(way: Way, { encoding, judgePrompt }: EncodingTools): EncoderSettings {
  const { tokenizer, chat, ...options } = encoding;
  const { template, ...layout } = chat;
  return {
    ...options,
    way,
    tokenizerJson: tokenizer.json,
    chat: layout,
    template: template?.options,
    judgePrompt,
  };
}

/** An encoder whose records and examples are of kinds that only its way tells. */
export type AnyEncoder = RecordEncoder<DataRecord, unknown>;

/** Makes an encoder of its description. */
export async function openEncoder(settings: EncoderSettings): Promise<AnyEncoder> {
  const { way, tokenizerJson, chat, template, judgePrompt, ...options } = settings;
  const encoding: ChatEncoderOptions = {
    ...options,
    tokenizer: tokenizerFromJson(tokenizerJson),
    chat: template === undefined ? chat : { ...chat, template: createChatTemplate(template) },
  };
  const pairEncoder = () => pairEncoderOf({ encoding, judgePrompt });
  const encoders: { readonly [Kind in Way['kind']]: () => Promise<RecordEncoder<never, unknown>> } = {
    'response-pairs': async () => responsePairEncoder(await pairEncoder()),
    preferences: async () => preferenceEncoder(await pairEncoder(), { seed: 0, ...way }),
    demonstrations: async () => demonstrationEncoder(await createChatEncoder(encoding)),
    'reward-pairs': async () => rewardPairEncoder(await createChatEncoder(encoding)),
    'policy-pairs': async () => policyPairEncoder(await createChatEncoder(encoding)),
  };
  // The way tells the kind of the records, which whoever chose it has.
  return (await encoders[way.kind]()) as AnyEncoder;
}
