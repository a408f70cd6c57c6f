import { type Precision, resolveModel } from '@gram/model';
import {
  type DiscriminativeRewardModel,
  type GenerativeRewardModel,
  loadRewardModel,
  RewardError,
} from '@gram/reward';
import type { JudgePrompt } from '@gram/tokenize';
import type { Io } from '../command.js';
import { CliError } from '../error.js';
import { withDownload } from './download.js';
import { judgePromptFlag, readJudgePrompt } from './judge-prompt.js';
import { cutOrRefuse, tooLong } from './too-long.js';

/** The flags of every command that judges: which model, and how it is asked and kept. */
export const judgeFlags = {
  model: {
    value: 'MODEL',
    required: true,
    help: 'A model directory, a GGUF file, or the name of a repository on the hub.',
  },
  'judge-prompt': judgePromptFlag,
  precision: {
    value: 'NAME',
    choices: ['float32', 'int8', 'int4'],
    help: 'How the matrices of the layers are kept; default float32.',
  },
  'too-long': tooLong,
} as const;

/** What `judgeFlags` say. */
export interface JudgeSettings {
  readonly source: string;
  readonly judgePrompt: JudgePrompt | undefined;
  readonly precision: Precision;
  readonly overlong: 'error' | 'truncate';
}

/** Reads the values of `judgeFlags`, and fetches the model if it is on the hub: once, however often it is then loaded. */
export async function readJudgeFlags(
  values: {
    readonly model: string;
    readonly 'judge-prompt': string | undefined;
    readonly precision: string | undefined;
    readonly 'too-long': string | undefined;
  },
  io: Io,
): Promise<JudgeSettings> {
  const prompt = values['judge-prompt'];
  return {
    source: await withDownload(io, (options) => resolveModel(values.model, options)),
    judgePrompt: prompt === undefined ? undefined : await readJudgePrompt(prompt),
    precision: (values.precision ?? 'float32') as Precision,
    overlong: cutOrRefuse(values['too-long']),
  };
}

/** Loads the model, from the hub if need be, and names the flag that helps where nothing says how to ask it. */
export async function loadJudge(
  { source, judgePrompt, precision, overlong }: JudgeSettings,
  io: Io,
): Promise<GenerativeRewardModel | DiscriminativeRewardModel> {
  try {
    return await loadRewardModel(source, { judgePrompt, precision, overlong, signal: io.signal });
  } catch (cause) {
    if (!(cause instanceof RewardError) || cause.code !== 'no-judge-prompt') throw cause;
    throw new CliError(
      'usage',
      cause.message,
      'train a reward model from it, or say how to ask it, as with --judge-prompt gram-eval-1',
      { cause },
    );
  }
}
