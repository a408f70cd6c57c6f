import { type JudgePrompt, judgePrompt } from '@gram/tokenize';
import { TrainError } from '../error.js';

/**
 * The judging prompt of a model that judges.
 *
 * @throws {TrainError} `bad-config` when the model has none
 */
export function judgePromptOf(id: string | undefined): JudgePrompt {
  if (id !== undefined) return judgePrompt(id);
  throw new TrainError('bad-config', 'the model has no judging prompt', 'set init.judgePrompt');
}
