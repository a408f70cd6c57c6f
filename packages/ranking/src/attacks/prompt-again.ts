import type { JudgeAttack } from './attack.js';

/** Repeats the prompt instead of answering it. */
export const promptAgain: JudgeAttack = { name: 'prompt again', place: 'alone', text: (prompt) => prompt };
