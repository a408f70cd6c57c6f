import type { JudgePrompt } from '@gram/tokenize';
import { TrainError } from '../error.js';

/**
 * The judging prompt of a model that judges.
 *
 * @throws {TrainError} `bad-config` when the model has none
 */
export function judgePromptOf(prompt: JudgePrompt | undefined): JudgePrompt {
  if (prompt !== undefined) return prompt;
  throw new TrainError('bad-config', 'the model has no judging prompt', 'set init.judgePrompt');
}
