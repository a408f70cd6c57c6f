import { readFileSync } from 'node:fs';
import type { Tool, Turn } from '@gram/base';
import { beforeAll, describe, expect, it } from 'vitest';
import { TokenizeError } from '../error.js';
import { type Model, modelDirectory, modelTokenizer, ownTemplate } from './__fixtures__/models.js';
import { type ChatTemplate, createChatTemplate } from './chat-template.js';
import { encodeChat } from './encode-chat.js';
import { readChatTemplate } from './read-chat-template.js';

interface Conversation {
  readonly name: string;
  readonly messages: readonly Turn[];
  readonly addGenerationPrompt: boolean;
}

interface ToolConversation {
  readonly name: string;
  readonly messages: readonly Turn[];
  readonly tools: readonly Tool[];
}

interface Expected {
  readonly tokenizers: Record<Model, { readonly parsed: number[][]; readonly plain: number[][] }>;
  readonly templates: Record<string, readonly { readonly text: string; readonly ids: number[] }[]>;
  readonly tools: Record<string, readonly (string | null)[]>;
}

const fixture = <T>(name: string): T =>
  JSON.parse(readFileSync(new URL(`./__fixtures__/${name}`, import.meta.url), 'utf8'));
const { texts, conversations, toolConversations } = fixture<{
  texts: string[];
  conversations: Conversation[];
  toolConversations: ToolConversation[];
}>('corpus.json');
const expected = fixture<Expected>('expected.json');

describe.each(['llama3_1', 'qwen3'] as const)('ids of %s', (model) => {
  it('are those of the Python library, in templates and in user text', async () => {
    const tokenizer = modelTokenizer(model);
    const { parsed, plain } = expected.tokenizers[model];
    for (const [index, text] of texts.entries()) {
      expect(await tokenizer.encodeTemplate(text), JSON.stringify(text)).toEqual(parsed[index]);
      expect(await tokenizer.encode(text), JSON.stringify(text)).toEqual(plain[index]);
    }
    // Otherwise the corpus would not tell both apart.
    expect(parsed.filter((ids, index) => ids.join() !== plain[index]?.join()).length).toBeGreaterThan(2);
  });
});

const published = async (model: string, variables = {}) =>
  createChatTemplate({ ...(await readChatTemplate(modelDirectory(model))), variables });

const templates: readonly { name: string; model: Model; create: () => Promise<ChatTemplate> }[] = [
  { name: 'llama3_1', model: 'llama3_1', create: () => published('llama3_1') },
  { name: 'qwen3', model: 'qwen3', create: () => published('qwen3') },
  {
    name: 'qwen3 without thinking',
    model: 'qwen3',
    create: () => published('qwen3', { enable_thinking: false }),
  },
  {
    name: 'chatml',
    model: 'qwen3',
    create: async () => createChatTemplate({ template: ownTemplate('chatml') }),
  },
  {
    name: 'dated',
    model: 'llama3_1',
    create: async () => {
      const { specialTokens } = await readChatTemplate(modelDirectory('llama3_1'));
      return createChatTemplate({ template: ownTemplate('dated'), specialTokens });
    },
  },
];

/** The conversation whose ids differ from those of the joined text, as its texts spell special tokens. */
const differing = 'special tokens in texts';

describe.each(templates)('template $name', ({ name, model, create }) => {
  let template: ChatTemplate;
  beforeAll(async () => {
    template = await create();
  });

  it('gives the text that transformers gives', async () => {
    const rendered = await Promise.all(
      conversations.map(({ messages, addGenerationPrompt }) =>
        template.render(messages, { addGenerationPrompt }),
      ),
    );
    for (const [index, segments] of rendered.entries()) {
      const text = segments.map((segment) => segment.text).join('');
      expect(text, conversations[index]?.name).toBe(expected.templates[name]?.[index]?.text);
    }
  });

  it('gives the ids of the text encoded at once, but where a text spells special tokens', async () => {
    const tokenizer = modelTokenizer(model);
    for (const [index, { messages, addGenerationPrompt, ...conversation }] of conversations.entries()) {
      const ids = await encodeChat(tokenizer, template, messages, { addGenerationPrompt });
      const { text, ids: atOnce } = expected.templates[name]![index]!;
      expect(await tokenizer.decode(ids), conversation.name).toBe(text);
      if (conversation.name !== differing) expect(ids, conversation.name).toEqual(atOnce);
      else expect(ids).not.toEqual(atOnce);
    }
  });
});

describe.each(Object.entries(expected.tools))('tools with the template %s', (name, wanted) => {
  it('are written as transformers writes them, or refused', async () => {
    const template =
      name === 'sorted' ? createChatTemplate({ template: ownTemplate('sorted') }) : await published(name);
    const found = await Promise.all(
      toolConversations.map(async ({ messages, tools }) => {
        try {
          return (await template.render(messages, { tools })).map(({ text }) => text).join('');
        } catch (error) {
          if (error instanceof TokenizeError && /^template-(refused|unsupported)$/.test(error.code))
            return null;
          throw error;
        }
      }),
    );
    for (const [index, text] of found.entries())
      expect(text, toolConversations[index]?.name).toBe(wanted[index]);
  });
});
