import { inspectModel, kindOf, longestSequence, type ModelInfo } from '@gram/model';
import { RewardError } from '@gram/ranking';
import { type Encoding, encodingOf, type JudgePrompt, judgePrompt, storedJudgePrompt } from '@gram/tokenize';

/** Way in which a model is asked. A model with a score head needs no judging prompt. */
export type JudgeFormat = {
  /** Layout of turns; undefined for that of the model's chat template. */
  readonly chat: string | undefined;
  readonly maxLength: number;
  readonly encoding: Encoding;
} & (
  | { readonly kind: 'generative'; readonly prompt: JudgePrompt }
  | { readonly kind: 'discriminative'; readonly reads: 'responses' | 'finished' }
);

/** Longest input of a model that does not say what it was trained with. */
const DEFAULT_LENGTH = 4096;

/**
 * Says how a model is asked.
 *
 * @param given the judging prompt that the caller wants, or the id of one
 * @param source name of the model, for errors
 * @throws RewardError `not-a-reward-model`, `no-judge-prompt`; TokenizeError `unknown-prompt`, `bad-prompt`
 */
export function judgeFormat(
  { config, gram }: Pick<ModelInfo, 'config' | 'gram'>,
  given: JudgePrompt | string | undefined,
  source: string,
): JudgeFormat {
  const prompt = typeof given === 'string' ? judgePrompt(given) : given;
  const encoding = encodingOf(gram);
  if (gram?.judgePrompt !== undefined) {
    const { kind, chat, maxLength } = gram;
    const common = { chat, maxLength, encoding };
    // gram trains a score head on the token that ends the answer.
    if (kind === 'discriminative') return { ...common, kind, reads: 'responses' };
    return { ...common, kind, prompt: prompt ?? storedJudgePrompt(gram, `gram.json of ${source}`) };
  }
  if (gram !== undefined) {
    const use =
      gram.kind === 'policy'
        ? 'writes answers and does not judge them'
        : 'serves the training of a policy only';
    throw new RewardError(
      'not-a-reward-model',
      `${source} holds a ${gram.kind} model, which ${use}`,
      'give the directory of a generative or discriminative reward model',
    );
  }
  const maxLength = Math.min(longestSequence(config), DEFAULT_LENGTH);
  const common = { chat: undefined, maxLength, encoding };
  // Others train a score head on the last token of all that the chat template writes.
  if (kindOf(config).head === 'score') return { ...common, kind: 'discriminative', reads: 'finished' };
  if (prompt === undefined) {
    throw new RewardError(
      'no-judge-prompt',
      `${source} has no gram.json, which says how the model must be asked`,
      'train a reward model from it, or say how to ask it, for example with judgePrompt: "gram-eval-1"',
    );
  }
  return { ...common, kind: 'generative', prompt };
}

/**
 * Finds the judging prompt by which a model is asked, without reading its weights; undefined for a model with a score head.
 *
 * @param source directory or GGUF file of the model
 * @param given the judging prompt that the caller wants, or the id of one, as `loadRewardModel` takes it
 * @throws what `loadRewardModel` throws for a model that is none, or cannot be read
 */
export async function judgePromptOf(
  source: string,
  given?: JudgePrompt | string,
): Promise<JudgePrompt | undefined> {
  const format = judgeFormat(await inspectModel(source), given, source);
  return format.kind === 'generative' ? format.prompt : undefined;
}
