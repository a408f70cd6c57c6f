import { delimiterAttacks, type JudgeAttack } from '@gram/ranking';
import { type JudgePrompt, judgePrompts } from '@gram/tokenize';

/**
 * Makes the attacks that use the delimiters of judging prompts, which pretend that the answers are over and the verdict is given:
 * those of the known prompts, and of the one by which the judge is asked. Measure them beside `judgeAttacks` where the judge is a
 * generative model.
 *
 * @param own the judging prompt of the model, see `judgePromptOf`; it goes before a known one with its id
 */
export function judgePromptAttacks(own?: JudgePrompt): JudgeAttack[] {
  const others = judgePrompts.filter(({ id }) => id !== own?.id);
  return [...others, ...(own === undefined ? [] : [own])].flatMap(delimiterAttacks);
}
