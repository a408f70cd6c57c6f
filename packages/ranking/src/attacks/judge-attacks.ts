import type { JudgeAttack } from './attack.js';
import { formatPose } from './format-pose.js';
import { judgeInstruction } from './judge-instruction.js';
import { masterKeys } from './master-keys.js';
import { promptAgain } from './prompt-again.js';
import { rejectedAlone } from './rejected-alone.js';
import { specialTokens } from './special-tokens.js';

/**
 * The attacks that can be made on any judge. Those that need a response to hide in stand below the rejected one;
 * `rejected alone` says how often that wins by itself. `delimiterAttacks` makes more of them for a judging prompt.
 */
export const judgeAttacks: readonly JudgeAttack[] = [
  rejectedAlone,
  ...masterKeys,
  promptAgain,
  specialTokens,
  judgeInstruction,
  formatPose,
];
