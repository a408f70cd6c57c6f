import { resolveModel } from '@gram/model';
import {
  type DiscriminativeRewardModel,
  type GenerativeRewardModel,
  type LoadOptions,
  loadRewardModel,
  RewardError,
} from '@gram/reward';
import { readJudgePrompt } from '@gram/tokenize';
import type { Io } from '../command.js';
import { CliError } from '../error.js';
import type { Values } from '../flags.js';
import { share } from '../parse-flags.js';
import {
  deviceFlag,
  type MatrixPrecision,
  precisionFlag,
  readPrecision,
  startDevice,
} from './device-flag.js';
import { withDownload } from './download.js';
import { judgePromptFlag } from './judge-prompt.js';
import { modelOperand } from './model-flags.js';
import { overlongFlag, readOverlong } from './overlong.js';

/** The flags of every command that judges: which model, and how it is asked and kept. */
export const judgeFlags = {
  model: { ...modelOperand, required: true },
  'judge-prompt': judgePromptFlag,
  precision: precisionFlag,
  device: deviceFlag,
  orders: {
    value: 'N',
    choices: ['1', '2'],
    help: 'orders in which a generative model sees a pair: 2 shows each response first once, 1 only the first; default 2',
  },
  'position-bias-bound': {
    value: 'P',
    help: 'skip the second order where it cannot change the winner unless both orders differ by more than P; default never skip',
  },
  overlong: overlongFlag,
} as const;

/** Settings that `judgeFlags` give. */
export interface JudgeSettings
  extends Pick<LoadOptions, 'judgePrompt' | 'device' | 'prepack' | 'positionBiasBound' | 'vocabularyScores'>,
    MatrixPrecision {
  readonly source: string;
  readonly orders: 1 | 2;
  readonly overlong: 'error' | 'truncate';
}

/** Reads the values of `judgeFlags`, and fetches the model if it is on the hub: once, however often it is then loaded. */
export async function readJudgeFlags(values: Values<typeof judgeFlags>, io: Io): Promise<JudgeSettings> {
  const prompt = values['judge-prompt'];
  const bound = values['position-bias-bound'];
  const orders = values.orders === '1' ? 1 : 2;
  if (bound !== undefined && orders === 1) {
    throw new CliError(
      'usage',
      '--position-bias-bound is about the second of two orders',
      'leave out --orders 1',
    );
  }
  const stored = readPrecision(values.precision);
  const device = await startDevice(values.device, stored);
  return {
    source: await withDownload(io, (options) => resolveModel(values.model, options)),
    judgePrompt: prompt === undefined ? undefined : await readJudgePrompt(prompt),
    ...stored,
    device,
    orders,
    positionBiasBound: bound === undefined ? undefined : share('position-bias-bound', bound),
    overlong: readOverlong(values.overlong),
  };
}

/** Loads the model, from the hub if need be, and names the flag that helps where nothing says how to ask it. */
export async function loadJudge(
  { source, ...options }: JudgeSettings,
  io: Io,
): Promise<GenerativeRewardModel | DiscriminativeRewardModel> {
  try {
    return await loadRewardModel(source, { ...options, signal: io.signal });
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
