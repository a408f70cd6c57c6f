import { readFile, stat } from 'node:fs/promises';
import { quote } from '@gram/base';
import { TokenizeError } from '../error.js';
import { type JudgePrompt, judgePrompt, judgePrompts } from './judge-prompt.js';
import { judgePromptFromText } from './judge-prompt-text.js';
import { parseJudgePrompt } from './parse-judge-prompt.js';

/** A hundred times what an instruction needs. */
const MAX_BYTES = 1_000_000;

/**
 * Returns the judging prompt that a model keeps in its `gram.json`: in full, or by the id of one that gram knows.
 *
 * @param where names the file in errors
 * @throws {TokenizeError} `unknown-prompt`, `bad-prompt`
 */
export function storedJudgePrompt(
  { judgePrompt: id, prompt }: { readonly judgePrompt: string; readonly prompt?: object | undefined },
  where: string,
): JudgePrompt {
  return prompt === undefined ? judgePrompt(id) : parseJudgePrompt(prompt, where);
}

/**
 * Reads the judging prompt with an id or, where no prompt has that id, from a file: JSON with every field of a `JudgePrompt`,
 * or plain text with `{question}`, `{answer_a}` and `{answer_b}`, see {@link judgePromptFromText}.
 *
 * @throws {TokenizeError} `bad-prompt`
 *
 * @example
 * ```ts
 * const prompt = await readJudgePrompt('gram-eval-1');
 * ```
 */
export async function readJudgePrompt(idOrFile: string): Promise<JudgePrompt> {
  const known = judgePrompts.find(({ id }) => id === idOrFile);
  if (known !== undefined) return known;
  const found = await stat(idOrFile).catch(() => undefined);
  if (found?.isFile() !== true) {
    throw new TokenizeError(
      'bad-prompt',
      `${quote(idOrFile)} is neither a judging prompt nor a file`,
      `give ${judgePrompts.map(({ id }) => id).join(', ')}, or a file with its text or in JSON`,
    );
  }
  if (found.size > MAX_BYTES) {
    throw new TokenizeError(
      'bad-prompt',
      `${idOrFile} has ${found.size} bytes, and a judging prompt at most ${MAX_BYTES}`,
      'check that it is the file you mean',
    );
  }
  const text = await readFile(idOrFile, 'utf8');
  // A text may begin with a place, {question}; JSON begins with a field in quotes, or with nothing at all.
  if (!/^\uFEFF?\s*\{\s*("|\}|$)/.test(text)) return judgePromptFromText(text, idOrFile);
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw new TokenizeError('bad-prompt', `${idOrFile} cannot be read as JSON`, 'correct the file', {
      cause,
    });
  }
  return parseJudgePrompt(json, idOrFile);
}
