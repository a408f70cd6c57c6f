import {
  type Companions,
  type GramMetadata,
  type LoadedModel,
  longestSequence,
  type ModelConfig,
  readCompanions,
  sharedLength,
} from '@gram/model';
import {
  type ChatLayout,
  chatLayoutOf,
  type JudgePrompt,
  judgePrompt,
  judgePrompts,
  readJudgePrompt,
  storedJudgePrompt,
  type Tokenizer,
  tokenizerOf,
} from '@gram/tokenize';
import { TrainError } from '../error.js';
import type { TrainingConfig } from '../settings/schema.js';
import { stageOf } from '../stages/table.js';

/** Prompt and layout of a model, and the entries of its directory about them. */
export interface Prompting {
  readonly tokenizer: Tokenizer;
  readonly chat: ChatLayout;
  /** The files that stand beside the weights, `tokenizer.json` included. */
  readonly companions: Companions & { readonly tokenizerJson: string };
  /** Metadata of the trained model: its kind, its prompt and its chat layout. */
  readonly gram: GramMetadata;
  /** The judging prompt that `gram` names, for a model that judges. */
  readonly judgePrompt?: JudgePrompt | undefined;
}

/** A small model of gram has little room for a template; a released one understands a full instruction. */
const defaultPrompts = { gram: 'gram-compact-1', released: 'gram-eval-1' };

/** Reads what a loaded model is prompted with: its tokenizer, its chat layout and the metadata of the trained model. */
export async function promptingOf(
  config: TrainingConfig,
  { config: model, gram, path }: LoadedModel,
  directory: string,
): Promise<Prompting> {
  const files = await readCompanions(path);
  const tokenizer = tokenizerOf(files, directory);
  checkFit(config, model, tokenizer, directory);
  const wanted = config.init.chat ?? gram?.chat;
  const chat = await chatLayoutOf(files, tokenizer, directory, wanted === 'template' ? undefined : wanted);
  const companions = { ...files, tokenizerJson: tokenizer.json };
  return { tokenizer, chat, companions, ...(await metadata(config, chat, gram)) };
}

/**
 * Makes the metadata (`gram.json`) of the trained model, and finds its judging prompt. A prompt that gram does not know by its id
 * is kept in full: the model reads nothing else, wherever the file of the prompt has gone.
 *
 * @param before what it said of the model that the run starts from or goes on with
 * @throws TokenizeError `bad-prompt`, `unknown-prompt`
 */
export async function metadata(
  config: TrainingConfig,
  chat: ChatLayout,
  before: GramMetadata | undefined,
): Promise<Pick<Prompting, 'gram' | 'judgePrompt'>> {
  const { stage, maxLength, labelSmoothing, smoothingConvention } = config;
  const training: GramMetadata['training'] =
    labelSmoothing === undefined ? { stage } : { stage, labelSmoothing, smoothingConvention };
  const { kind } = stageOf(stage);
  const isReleased = config.init.model !== undefined && before === undefined;
  // A model that was trained elsewhere goes on reading text as it does. Models of gram keep what they were trained with.
  const encoding = isReleased ? 'whole' : (before?.encoding ?? 'apart');
  const common = { format: 1, chat: chat.id, maxLength, encoding, training } as const;
  if (kind === 'policy') return { gram: { ...common, kind } };
  const prompt = await judgePromptFor(config, before);
  const isKnown = judgePrompts.includes(prompt);
  return {
    gram: { ...common, kind, judgePrompt: prompt.id, ...(!isKnown && { prompt: asJson(prompt) }) },
    judgePrompt: prompt,
  };
}

/** The judging prompt that the configuration names, else that of the model, else the usual one. */
async function judgePromptFor(
  { init }: TrainingConfig,
  before: GramMetadata | undefined,
): Promise<JudgePrompt> {
  if (init.judgePrompt !== undefined) return readJudgePrompt(init.judgePrompt);
  if (before?.judgePrompt !== undefined) return storedJudgePrompt(before, `gram.json of ${init.model}`);
  const isReleased = init.model !== undefined && before === undefined;
  return judgePrompt(defaultPrompts[isReleased ? 'released' : 'gram']);
}

/** A judging prompt is plain data, which its type does not say. */
function asJson(prompt: JudgePrompt): NonNullable<GramMetadata['prompt']> {
  return JSON.parse(JSON.stringify(prompt));
}

/** Checks what `config` says against the model in a directory. */
function checkFit(
  { maxLength }: TrainingConfig,
  model: ModelConfig,
  tokenizer: Tokenizer,
  directory: string,
): void {
  // The positions of longer sequences turn by the length to which a batch happens to be padded.
  const longest = Math.min(longestSequence(model), sharedLength(model));
  if (maxLength > longest) {
    const limit =
      longest < longestSequence(model)
        ? `learns from at most ${longest} tokens because its rope scaling is dynamic`
        : `is made for ${longest} tokens`;
    throw new TrainError(
      'bad-config',
      `maxLength is ${maxLength}, and the model in ${directory} ${limit}`,
      `set maxLength to ${longest} or less`,
    );
  }
  if (tokenizer.vocabSize > model.vocabSize) {
    throw new TrainError(
      'bad-config',
      `the tokenizer in ${directory} has ${tokenizer.vocabSize} tokens and the model ${model.vocabSize}`,
      'use the tokenizer that belongs to the model',
    );
  }
}
