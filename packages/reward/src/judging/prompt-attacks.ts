import { delimiterAttacks, type JudgeAttack } from '@gram/ranking';
import { judgePrompts } from '@gram/tokenize';

/**
 * The attacks that use the delimiters of the known judging prompts, which pretend that the answers are over and the verdict is
 * given. Measure them beside `judgeAttacks` where the judge is a generative model.
 */
export const judgePromptAttacks: readonly JudgeAttack[] = judgePrompts.flatMap(delimiterAttacks);
