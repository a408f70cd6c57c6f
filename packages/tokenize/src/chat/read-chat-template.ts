import { type FileHandle, open, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { TokenizeError } from '../error.js';
import type { ChatTemplateOptions } from './chat-template.js';
import { beyondLimit, brokenTemplate, JINJA_LIMITS } from './rendering/jinja.js';

/** Files of published tokenizers have up to about 5 MB: they list every added token. */
const maxConfigBytes = 16 * 1024 * 1024;
/** In UTF-8 a character has up to four bytes. */
const maxTemplateBytes = 4 * JINJA_LIMITS.templateChars;

/** The fields of `tokenizer_config.json` that transformers hands to a template. */
const tokenFields = [
  'bos_token',
  'eos_token',
  'unk_token',
  'sep_token',
  'pad_token',
  'cls_token',
  'mask_token',
] as const;

/** Texts of the files beside a model's weights that say how it is asked; those that are there. */
export interface ChatFiles {
  /** `chat_template.jinja`; goes before a template in `tokenizer_config.json`. */
  readonly chatTemplate?: string;
  /** `tokenizer_config.json` */
  readonly tokenizerConfigJson?: string;
}

/** A template and the special tokens that it may name, for `createChatTemplate`. */
export type TemplateSource = Required<Pick<ChatTemplateOptions, 'template' | 'specialTokens'>>;

/**
 * Finds the chat template of a model, and the special tokens that it may name, in the texts of its files. Of several
 * templates it is the one named `default`.
 *
 * @param source name of the model, for errors
 * @throws {TokenizeError} `template-missing`, `template-broken`, `template-limit`
 */
export function findChatTemplate(
  { chatTemplate, tokenizerConfigJson }: ChatFiles,
  source: string,
): TemplateSource {
  const configFile = `tokenizer_config.json of ${source}`;
  const config = tokenizerConfigJson === undefined ? {} : parseObject(tokenizerConfigJson, configFile);
  const template = chatTemplate ?? templateOf(config, configFile);
  if (template === undefined) {
    throw new TokenizeError(
      'template-missing',
      `${source} has no chat template`,
      'add chat_template.jinja or tokenizer_config.json, or use plainChat or a ChatLayout of your own; base models often ' +
        'have no template',
    );
  }
  const { templateChars } = JINJA_LIMITS;
  if (template.length > templateChars) {
    throw beyondLimit(`it has ${template.length} characters, and ${templateChars} are allowed`);
  }
  const specialTokens: Record<string, string> = {};
  for (const name of tokenFields) {
    const value = own(config, name);
    // A token is a string, or an object that describes how to match one.
    const token = isObject(value) ? own(value, 'content') : value;
    if (token === undefined || token === null) continue;
    if (typeof token !== 'string') throw brokenTemplate(`${name} in ${configFile} is not a token`);
    specialTokens[name] = token;
  }
  return { template, specialTokens };
}

/** Reads the texts of those files in a model's directory. Throws as {@link readChatTemplate} does. */
export async function readChatFiles(directory: string): Promise<ChatFiles> {
  const [chatTemplate, tokenizerConfigJson] = await Promise.all([
    readText(join(directory, 'chat_template.jinja'), maxTemplateBytes),
    readText(join(directory, 'tokenizer_config.json'), maxConfigBytes),
  ]);
  return { chatTemplate, tokenizerConfigJson };
}

/**
 * Finds the chat template of a model's directory, see {@link findChatTemplate}.
 *
 * @throws {TokenizeError} `template-missing`, `template-broken`, `template-limit`
 */
export async function readChatTemplate(directory: string): Promise<TemplateSource> {
  return findChatTemplate(await readChatFiles(directory), directory);
}

function templateOf(config: Record<string, unknown>, source: string): string | undefined {
  const value = own(config, 'chat_template');
  if (value === undefined || value === null || typeof value === 'string') return value ?? undefined;
  if (!Array.isArray(value)) throw brokenTemplate(`chat_template in ${source} is neither a text nor a list`);
  const named = value.filter(isObject);
  const template = named.find((entry) => own(entry, 'name') === 'default');
  const text = template && own(template, 'template');
  if (typeof text !== 'string')
    throw brokenTemplate(`chat_template in ${source} has no entry named "default"`);
  return text;
}

/** The text of a file, or undefined if there is none. */
async function readText(path: string, maxBytes: number): Promise<string | undefined> {
  let file: FileHandle | undefined;
  try {
    // Before opening: to open a pipe would wait for its writer.
    if (!(await stat(path)).isFile()) throw brokenTemplate(`${path} is not a regular file`);
    file = await open(path);
    const stats = await file.stat();
    if (stats.size > maxBytes) {
      throw beyondLimit(`${path} has ${stats.size} bytes, and ${maxBytes} are allowed`);
    }
    return new TextDecoder('utf-8', { fatal: true }).decode(await file.readFile());
  } catch (cause) {
    if (cause instanceof TokenizeError) throw cause;
    if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') return undefined;
    throw brokenTemplate(`${path} cannot be read`, cause);
  } finally {
    await file?.close();
  }
}

function parseObject(text: string, source: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw brokenTemplate(`${source} is not valid JSON`, cause);
  }
  if (isObject(value)) return value;
  throw brokenTemplate(`${source} is not a JSON object`);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A field that the file itself has; objects inherit others. */
function own(object: Record<string, unknown>, name: string): unknown {
  return Object.hasOwn(object, name) ? object[name] : undefined;
}
