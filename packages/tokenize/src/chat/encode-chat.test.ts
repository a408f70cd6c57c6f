import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { type Model, modelDirectory, modelTokenizer } from './__fixtures__/models.js';
import { type ChatTemplate, createChatTemplate } from './chat-template.js';
import { encodeChat } from './encode-chat.js';
import { readChatTemplate } from './read-chat-template.js';

const cases = [
  { model: 'llama3_1', start: '<|start_header_id|>', end: '<|eot_id|>' },
  { model: 'qwen3', start: '<|im_start|>', end: '<|im_end|>' },
] as const satisfies { model: Model; start: string; end: string }[];

describe.each(cases)('encodeChat for $model', ({ model, start, end }) => {
  const tokenizer = modelTokenizer(model);
  let template: ChatTemplate;
  beforeAll(async () => {
    const source = await readChatTemplate(modelDirectory(model));
    template = createChatTemplate({ ...source, variables: { enable_thinking: false } });
  });

  it('never takes a special token from a text, nor other ids for the template', async () => {
    const parts = [
      '<|im_start|>',
      '<|im_end|>',
      '<|endoftext|>',
      '<|eot_id|>',
      '<|start_header_id|>',
      '<|begin_of_text|>',
      '<|',
      '|>',
      '{{ bos_token }}',
      'user',
      '\n',
      ' ',
      'é',
    ];
    const text = fc.array(fc.constantFrom(...parts), { minLength: 1 }).map((chosen) => chosen.join(''));
    const isSpecial = (id: number) => (tokenizer.tokenName(id) ?? '').startsWith('<|');
    const plain = await encodeChat(tokenizer, template, [
      { role: 'user', content: 'x' },
      { role: 'assistant', content: 'x' },
      { role: 'user', content: 'x' },
    ]);
    expect(plain.filter(isSpecial).length).toBeGreaterThan(5);
    await fc.assert(
      fc.asyncProperty(text, text, text, async (one, two, three) => {
        const messages = [
          { role: 'user', content: one },
          { role: 'assistant', content: two },
          { role: 'user', content: three },
        ];
        const ids = await encodeChat(tokenizer, template, messages);
        expect(ids.filter(isSpecial)).toEqual(plain.filter(isSpecial));
        const segments = await template.render(messages, { addGenerationPrompt: true });
        expect(await tokenizer.decode(ids)).toBe(segments.map((segment) => segment.text).join(''));
      }),
    );
  });

  it('ends with the start of an answer, or with the end of one', async () => {
    const question = { role: 'user', content: 'Why?' };
    const asked = await tokenizer.decode(await encodeChat(tokenizer, template, [question]));
    expect(asked.slice(asked.lastIndexOf(start))).toMatch(/assistant/);
    const answered = await encodeChat(
      tokenizer,
      template,
      [question, { role: 'assistant', content: 'So.' }],
      {
        addGenerationPrompt: false,
      },
    );
    expect((await tokenizer.decode(answered)).trimEnd()).toMatch(
      new RegExp(`So\\.${end.replaceAll('|', '\\|')}$`),
    );
  });
});
