import { quote, sha256 } from '@gram/base';
import { TokenizeError } from '../error.js';
import type { Tokenizer } from '../library.js';
import { type ChatLayout, plainChat } from './chat-layout.js';
import { type ChatTemplate, createChatTemplate } from './chat-template.js';
import type { Outline } from './placeholders.js';
import {
  type ChatFiles,
  findChatTemplate,
  readChatFiles,
  type TemplateSource,
} from './read-chat-template.js';

/** Options of `chatLayoutFromTemplate`. */
export interface TemplateLayoutOptions {
  readonly template: ChatTemplate;
  /** The tokenizer, which decides which parts of the template are special tokens. */
  readonly tokenizer: Tokenizer;
}

/**
 * Makes the layout of a conversation of one user turn and one assistant turn, as a chat template writes it. A default
 * system turn, if the template has one, is a part of `userStart`.
 *
 * - `assistantStart` is what the generation prompt adds. A template that starts the assistant's turn of a finished
 *   conversation in another way is refused: models would be trained on a start that they are never asked to continue. Qwen3
 *   needs `variables: { enable_thinking: false }`; its `assistantStart` then ends in an empty thinking block.
 * - `end` is the special token right after the assistant's text, and `afterEnd` what follows, such as ChatML's newline.
 * - `pad` is the template's `pad_token`. Models that name none, such as Llama 3.1, are padded with `end`.
 * - `id` is a hash of the layout, so equal layouts have equal ids.
 *
 * @throws {TokenizeError} `template-unsupported`, `special-token-missing`, and what `template.render` throws
 */
export async function chatLayoutFromTemplate({
  template,
  tokenizer,
}: TemplateLayoutOptions): Promise<ChatLayout> {
  // The texts do not matter: templates never see them.
  const user = { role: 'user', content: 'x' };
  const assistant = { role: 'assistant', content: 'x' };
  const [question, opening, conversation] = await Promise.all([
    template.outline([user]),
    template.outline([user], { addGenerationPrompt: true }),
    template.outline([user, assistant]),
  ]);
  const [start = '', toAnswer = ''] = opening.pieces;
  const [otherStart, otherToAnswer, afterAnswer = ''] = conversation.pieces;
  const [userSlot, answerSlot] = conversation.slots;
  if (userSlot?.message !== 0 || answerSlot?.message !== 1)
    throw unsupported('changes the order of messages');
  const sameUser = start === otherStart && sameTrims(opening, conversation);
  if (!sameUser) throw unsupported('writes the turn of the user differently once it has been answered');
  if (toAnswer !== otherToAnswer) {
    const [asked, answered] = [toAnswer, otherToAnswer].map((text) => JSON.stringify(text));
    throw unsupported(
      `starts an answer with ${asked} when it is asked for one and with ${answered} when it is given one`,
    );
  }
  const endIds = await tokenizer.encodeTemplate(afterAnswer);
  const end = tokenizer.tokenName(endIds[0] ?? -1) ?? '';
  if (end === '' || !afterAnswer.startsWith(end) || !(await isSpecialToken(tokenizer, end))) {
    throw unsupported('does not end the turn of the assistant with a special token');
  }
  const pad = template.specialTokens.pad_token ?? end;
  const bosToken = template.specialTokens.bos_token ?? '';
  const bos = start.startsWith(bosToken) ? bosToken : '';
  const turnEnd = question.pieces[1] ?? '';
  const userEnd = toAnswer.startsWith(turnEnd) ? turnEnd : '';
  const parts = {
    bos,
    userStart: start.slice(bos.length),
    userEnd,
    assistantStart: toAnswer.slice(userEnd.length),
    end,
    pad,
  };
  const trims = { user: userSlot.trims, assistant: answerSlot.trims };
  const found = await specialTokensIn(tokenizer, [start, toAnswer, end, pad]);
  const layout = { ...parts, specialTokens: [...new Set([...found, end, pad])], trims };
  // The text after the end does not change how a model is asked, and models name the hashes of layouts.
  const id = `template-${sha256(JSON.stringify(layout)).slice(0, 12)}`;
  return { id, ...layout, afterEnd: afterAnswer.slice(end.length), template };
}

/**
 * Finds the layout in which a model is asked for one answer: {@link plainChat} where `id` says so, or else what its chat
 * template writes, with thinking disabled (`enable_thinking: false`) and a fixed date, so that a reward is the same every
 * day.
 *
 * @param files texts of the model's files
 * @param source name of the model, for errors
 * @param id id of the layout that the model was trained with, where it is known
 * @throws {TokenizeError} `unknown-layout` if the template does not give the layout of that id; and what
 *   {@link findChatTemplate} and {@link chatLayoutFromTemplate} throw
 */
export async function chatLayoutOf(
  files: ChatFiles,
  tokenizer: Tokenizer,
  source: string,
  id?: string,
): Promise<ChatLayout> {
  if (id === plainChat.id) return plainChat;
  const unknown = (found: string, cause?: unknown) =>
    new TokenizeError(
      'unknown-layout',
      `${source} was trained in the chat layout ${quote(id)}, and ${found}`,
      'use the chat template and the tokenizer that the model was trained with; a newer version may know more layouts',
      { cause },
    );
  let found: TemplateSource;
  try {
    found = findChatTemplate(files, source);
  } catch (error) {
    const missing = error instanceof TokenizeError && error.code === 'template-missing';
    throw missing && id !== undefined ? unknown('it has no chat template', error) : error;
  }
  const template = createChatTemplate({ ...found, variables: { enable_thinking: false } });
  const layout = await chatLayoutFromTemplate({ template, tokenizer });
  if (id === undefined || id === layout.id) return layout;
  throw unknown(`its chat template gives ${layout.id}`);
}

/**
 * Finds the layout of a model's directory, see {@link chatLayoutOf}. Throws as it does.
 *
 * @example
 * ```ts
 * const chat = await loadChatLayout('path/to/model', loadTokenizer('path/to/model'));
 * ```
 */
export async function loadChatLayout(
  directory: string,
  tokenizer: Tokenizer,
  id?: string,
): Promise<ChatLayout> {
  return chatLayoutOf(await readChatFiles(directory), tokenizer, directory, id);
}

function sameTrims(a: Outline, b: Outline): boolean {
  return JSON.stringify(a.slots[0]) === JSON.stringify(b.slots[0]);
}

/** Whether a token is one of those that a tokenizer marks as special, which decoding can leave out. */
export async function isSpecialToken(tokenizer: Tokenizer, token: string): Promise<boolean> {
  const id = tokenizer.tokenId(token);
  // It is spelled out: others need not be decoded.
  if (id === undefined || !tokenizer.spellsControl(token)) return false;
  const [parsed, shown, skipped] = await Promise.all([
    tokenizer.encodeTemplate(token),
    tokenizer.decode([id]),
    tokenizer.decode([id], { skipSpecial: true }),
  ]);
  return parsed.length === 1 && parsed[0] === id && shown !== '' && skipped === '';
}

async function specialTokensIn(tokenizer: Tokenizer, texts: readonly string[]): Promise<string[]> {
  const ids = await Promise.all(texts.map((text) => tokenizer.encodeTemplate(text)));
  const names = [...new Set(ids.flat())].map((id) => tokenizer.tokenName(id) ?? '');
  const special = await Promise.all(names.map((name) => isSpecialToken(tokenizer, name)));
  return names.filter((_, index) => special[index]);
}

function unsupported(what: string): TokenizeError {
  return new TokenizeError(
    'template-unsupported',
    `no layout of one question and one answer can be made, as the chat template ${what}`,
    'set the variables that the template requires, such as { enable_thinking: false }, or write a ChatLayout',
  );
}
