import { judgePrompts } from '@gram/tokenize';

/** The flag that says how to ask a model. */
export const judgePromptFlag = {
  value: 'ID_OR_FILE',
  help: `prompt for a language model that has no gram.json: ${judgePrompts.map(({ id }) => id).join(', ')}, or a file with its text or in JSON`,
} as const;
