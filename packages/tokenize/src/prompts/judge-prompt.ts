import { quote } from '@gram/base';
import { TokenizeError } from '../error.js';

/** The template text before and after a piece of user text. */
export interface Block {
  readonly start: string;
  readonly end: string;
}

/**
 * A judging prompt as data. Its text for a prompt x and responses y_a, y_b is
 *
 *     instruction  question(x)  answers[0](y_a)  between  answers[1](y_b)  tail
 *
 * and the next token is one of the two labels. The pre-training layout (stage 1) uses the same pieces: `question(x)`
 * is the user's turn and `answers[0](y_1) between answers[1](y_2)` the assistant's.
 *
 * A prompt or a response of more than one plain turn is written as text, by version 1 of this rule, on which models are trained: a
 * change is a new version, which judging prompts would have to name. Each turn stands after its speaker (`Human`, `Assistant`,
 * `System`, or the role, then the name where there is one) and a colon, with blank lines between turns; reasoning, text and calls
 * of a turn follow each other in lines. Tools come first, after `Tools:`, as JSON. See `conversationText` of `@gram/base`.
 */
export interface JudgePrompt {
  /** Names this exact text. A changed text needs a new id, as models are trained on it. */
  readonly id: string;
  readonly instruction: string;
  readonly question: Block;
  readonly answers: readonly [Block, Block];
  readonly between: string;
  readonly tail: string;
  /** The labels of the first and of the second response. */
  readonly labels: readonly [string, string];
  /** Strings that structure the prompt and therefore must not occur in user text. No two of them overlap. */
  readonly markers: readonly string[];
  /** The places in user text where a marker would be mistaken for structure. */
  readonly markersCount: 'anywhere' | 'at-line-start';
}

/** The layout that the paper's evaluator uses: bracketed markers and a full instruction. */
const gramEval1: JudgePrompt = {
  id: 'gram-eval-1',
  instruction: [
    'You are an impartial judge. Below are a question from a user and the answers of two AI assistants. Decide ' +
      'which assistant follows the instructions of the user more closely and answers the question better.',
    'Take into account how helpful, relevant, accurate, thorough, creative and detailed each answer is. Pay no ' +
      'attention to the order of the answers, to their length or to the names of the assistants. Stay objective.',
    'Give your verdict and nothing else: write exactly "A" if assistant A is better, or exactly "B" if assistant ' +
      'B is better.',
    '',
  ].join('\n\n'),
  question: { start: '[User Question]\n', end: '\n\n' },
  answers: [
    { start: "[The Start of Assistant A's Answer]\n", end: "\n[The End of Assistant A's Answer]" },
    { start: "[The Start of Assistant B's Answer]\n", end: "\n[The End of Assistant B's Answer]" },
  ],
  between: '\n\n',
  // The space at the end is the evaluator's.
  tail: '\n\n#Preferred: ',
  labels: ['A', 'B'],
  markers: [
    '[User Question]',
    "[The Start of Assistant A's Answer]",
    "[The End of Assistant A's Answer]",
    "[The Start of Assistant B's Answer]",
    "[The End of Assistant B's Answer]",
    '#Preferred:',
  ],
  markersCount: 'anywhere',
};

/** Judging prompt for small models trained from scratch: about a dozen tokens of template, the rest is content. */
const gramCompact1: JudgePrompt = {
  id: 'gram-compact-1',
  instruction: 'Pick the better answer.\n',
  question: { start: 'Q:', end: '\n' },
  answers: [
    // Not 'A:', or stage 1 would teach that an assistant's turn starts with the label A.
    { start: 'answer A:', end: '' },
    { start: 'answer B:', end: '' },
  ],
  between: '\n',
  tail: '\nBetter:',
  labels: ['A', 'B'],
  markers: ['Q:', 'answer A:', 'answer B:', 'Better:'],
  // Mid-line they are ordinary words ("FAQ: ..."); a line of its own is what makes one a marker.
  markersCount: 'at-line-start',
};

/** All judging prompts. */
export const judgePrompts: readonly JudgePrompt[] = [gramEval1, gramCompact1];

/**
 * Finds a judging prompt, for example the one a checkpoint was trained with.
 *
 * @throws {TokenizeError} `unknown-prompt`
 */
export function judgePrompt(id: string): JudgePrompt {
  const found = judgePrompts.find((prompt) => prompt.id === id);
  if (found) return found;
  throw new TokenizeError(
    'unknown-prompt',
    `there is no judging prompt ${quote(id)}`,
    `use one of: ${judgePrompts.map((prompt) => prompt.id).join(', ')}`,
  );
}
