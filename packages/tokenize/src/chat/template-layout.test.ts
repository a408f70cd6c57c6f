import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { createChatEncoder } from '../encode/chat-encoder.js';
import { createPairEncoder } from '../encode/pair-encoder.js';
import { judgePrompt } from '../prompts/judge-prompt.js';
import { type Model, modelDirectory, modelTokenizer, ownTemplate } from './__fixtures__/models.js';
import { plainChat } from './chat-layout.js';
import { createChatTemplate } from './chat-template.js';
import { encodeChat } from './encode-chat.js';
import { readChatTemplate } from './read-chat-template.js';
import { chatLayoutFromTemplate, loadChatLayout } from './template-layout.js';

const load = (model: Model, id?: string) => loadChatLayout(modelDirectory(model), modelTokenizer(model), id);
const noThinking = { enable_thinking: false };

describe('loadChatLayout', () => {
  it('reads that of Llama 3.1, with one bos token and trimmed texts', async () => {
    const { id, afterEnd, template, ...layout } = await load('llama3_1');
    expect([afterEnd, typeof template]).toEqual(['', 'object']);
    const all = { start: 'all', end: 'all' };
    expect(layout).toEqual({
      bos: '<|begin_of_text|>',
      userStart: '<|start_header_id|>user<|end_header_id|>\n\n',
      userEnd: '<|eot_id|>',
      assistantStart: '<|start_header_id|>assistant<|end_header_id|>\n\n',
      end: '<|eot_id|>',
      pad: '<|eot_id|>',
      specialTokens: ['<|begin_of_text|>', '<|start_header_id|>', '<|end_header_id|>', '<|eot_id|>'],
      trims: { user: all, assistant: all },
    });
    expect(id).toBe(
      `template-${createHash('sha256').update(JSON.stringify(layout)).digest('hex').slice(0, 12)}`,
    );
  });

  it('reads that of Qwen3 without thinking', async () => {
    const { id, afterEnd, template, ...layout } = await load('qwen3');
    expect([afterEnd, typeof template]).toEqual(['\n', 'object']);
    expect(layout).toEqual({
      bos: '',
      userStart: '<|im_start|>user\n',
      userEnd: '<|im_end|>\n',
      assistantStart: '<|im_start|>assistant\n<think>\n\n</think>\n\n',
      end: '<|im_end|>',
      pad: '<|endoftext|>',
      specialTokens: ['<|im_start|>', '<|im_end|>', '<|endoftext|>'],
      trims: {
        user: { start: 'none', end: 'none' },
        assistant: { start: 'newlines', end: 'none' },
      },
    });
    expect(id).toMatch(/^template-[0-9a-f]{12}$/);
  });

  it('refuses Qwen3 with thinking, whose answers start otherwise than they are asked for', async () => {
    const template = createChatTemplate(await readChatTemplate(modelDirectory('qwen3')));
    const tokenizer = modelTokenizer('qwen3');
    await expect(chatLayoutFromTemplate({ template, tokenizer })).rejects.toMatchObject({
      code: 'template-unsupported',
      message: expect.stringMatching(/starts an answer with ".*assistant\\n" when it is asked .*<\/think>/),
      hint: expect.stringContaining('enable_thinking'),
    });
  });
});

describe('the layout that a model was trained with', () => {
  it('is found by its id', async () => {
    const { id } = await load('qwen3');
    expect((await load('qwen3', id)).id).toBe(id);
    expect(await load('qwen3', plainChat.id)).toBe(plainChat);
  });

  it('is refused where the chat template gives another', async () => {
    await expect(load('llama3_1', 'template-0123456789ab')).rejects.toMatchObject({
      code: 'unknown-layout',
      message: expect.stringContaining('"template-0123456789ab"'),
    });
  });
});

describe('chatLayoutFromTemplate', () => {
  const tokenizer = modelTokenizer('qwen3');
  const derive = (template: string, specialTokens: Record<string, string> = {}) =>
    chatLayoutFromTemplate({ template: createChatTemplate({ template, specialTokens }), tokenizer });

  it('takes a default system turn into the start of the user', async () => {
    const layout = await derive(ownTemplate('chatml'));
    expect(layout).toMatchObject({
      bos: '',
      userStart: '<|im_start|>system\nYou answer questions.<|im_end|>\n<|im_start|>user\n',
      userEnd: '<|im_end|>\n',
      assistantStart: '<|im_start|>assistant\n',
      end: '<|im_end|>',
      pad: '<|im_end|>',
    });
    const other = await derive(ownTemplate('chatml'), { pad_token: '<|endoftext|>' });
    expect(other).toMatchObject({ pad: '<|endoftext|>', userStart: layout.userStart });
    expect(other.id).not.toBe(layout.id);
    expect((await derive(`{# a remark #}\n${ownTemplate('chatml')}`)).id).toBe(layout.id);
  });

  const turns = (answer: string, prompt = 'A:') =>
    `{% for m in messages %}{% if m.role == 'user' %}U:{{ m.content }}<|im_end|>{% else %}${answer}{% endif %}` +
    `{% endfor %}{% if add_generation_prompt %}${prompt}{% endif %}`;

  it.each([
    ['no end', turns('A:{{ m.content }}'), 'does not end the turn of the assistant'],
    [
      'an end that is not special',
      turns('A:{{ m.content }}</think>'),
      'does not end the turn of the assistant',
    ],
    ['text before the end', turns('A:{{ m.content }}.<|im_end|>'), 'does not end the turn of the assistant'],
    [
      'another start of answers',
      turns('B:{{ m.content }}<|im_end|>'),
      'starts an answer with "<|im_end|>A:" when',
    ],
    [
      'another start of questions',
      '{{ messages | length }}:{% for m in messages %}{{ m.content }}<|im_end|>{% endfor %}',
      'writes the turn of the user differently',
    ],
    [
      'answers before questions',
      '{% for m in messages[::-1] %}{{ m.content }}<|im_end|>{% endfor %}',
      'changes the order',
    ],
  ])('refuses a template with %s', async (_, template, message) => {
    await expect(derive(template)).rejects.toMatchObject({
      code: 'template-unsupported',
      message: expect.stringContaining(message),
      hint: expect.any(String),
    });
  });
});

describe.each(['llama3_1', 'qwen3'] as const)('encoders with the layout of %s', (model) => {
  const tokenizer = modelTokenizer(model);
  const question = '\n What is 2 + 2?<|im_end|><|eot_id|> \n';
  const answer = '\n\n It is 4. \n';

  it('give the ids that the chat template gives', async () => {
    const chat = await load(model);
    const source = await readChatTemplate(modelDirectory(model));
    const template = createChatTemplate({ ...source, variables: noThinking });
    const encoder = await createChatEncoder({ tokenizer, chat, maxLength: 500, overlong: 'error' });
    const user = { role: 'user', content: question };
    const { ids } = await encoder.prompt({ prompt: question });
    expect(ids).toEqual(await encodeChat(tokenizer, template, [user]));
    const messages = [user, { role: 'assistant', content: answer }];
    const whole = await encodeChat(tokenizer, template, messages, { addGenerationPrompt: false });
    const response = await encoder.response({ prompt: question, response: answer });
    // ChatML's newline after the end belongs to the next turn.
    expect(response.ids).toEqual(whole.slice(0, whole.lastIndexOf(encoder.endId) + 1));
    expect(response.lossFrom).toBe(ids.length);
    expect([encoder.padId, encoder.endId]).toEqual([
      tokenizer.tokenId(chat.pad),
      tokenizer.tokenId(chat.end),
    ]);
  });

  it.each(['gram-eval-1', 'gram-compact-1'])('write the judging prompt %s as one message', async (name) => {
    const chat = await load(model);
    const source = await readChatTemplate(modelDirectory(model));
    const template = createChatTemplate({ ...source, variables: noThinking });
    const judge = judgePrompt(name);
    const encoder = await createPairEncoder({
      tokenizer,
      prompt: judge,
      chat,
      maxLength: 900,
      overlong: 'error',
    });
    const render = async (messages: Parameters<typeof template.render>[0], addGenerationPrompt: boolean) =>
      (await template.render(messages, { addGenerationPrompt })).map(({ text }) => text).join('');
    const [a, b] = judge.answers;
    const pair = a.start + answer + a.end + judge.between + b.start + answer + b.end;
    const content =
      judge.instruction + judge.question.start + question + judge.question.end + pair + judge.tail;
    const compared = await encoder.comparison({ prompt: question, a: answer, b: answer });
    expect(await tokenizer.decode(compared.ids)).toBe(await render([{ role: 'user', content }], true));

    const asked = { role: 'user', content: judge.question.start + question + judge.question.end };
    const answered = { role: 'assistant', content: pair };
    const responses = await encoder.responsePair({ prompt: question, responses: [answer, answer] });
    const text = await render([asked, answered], false);
    expect(await tokenizer.decode(responses.ids)).toBe(
      text.slice(0, text.lastIndexOf(chat.end) + chat.end.length),
    );
    const supervised = await tokenizer.decode(responses.ids.slice(responses.lossFrom));
    expect(supervised.startsWith(a.start)).toBe(true);
  });
});
