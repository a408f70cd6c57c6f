import { describe, expect, it } from 'vitest';
import { modelDirectory, modelTokenizer, ownTemplate } from './__fixtures__/models.js';
import { plainChat } from './chat-layout.js';
import { type ChatTemplate, createChatTemplate } from './chat-template.js';
import { createRenderedReader, type RenderedReader } from './parse-rendered.js';
import { readChatTemplate } from './read-chat-template.js';
import { chatLayoutFromTemplate } from './template-layout.js';

interface Case {
  readonly template: ChatTemplate;
  readonly read: RenderedReader;
  readonly end: string;
  readonly token: string;
  readonly hasSystem: boolean;
}

/** Turns as Gemma marks them: no system turn, and a model instead of an assistant. */
const gemma = `{{ bos_token }}{% for message in messages %}
{%- if message.role == 'system' %}{{ raise_exception('there is no system turn') }}{% endif %}
{{- '<start_of_turn>' + ('model' if message.role == 'assistant' else message.role) + '\\n' + message.content | trim + '<end_of_turn>\\n' }}
{%- endfor %}{% if add_generation_prompt %}{{ '<start_of_turn>model\\n' }}{% endif %}`;

async function chatml(): Promise<Case> {
  const template = createChatTemplate({ template: ownTemplate('chatml') });
  const chat = await chatLayoutFromTemplate({ template, tokenizer: modelTokenizer('qwen3') });
  const read = await createRenderedReader({ ...chat, template });
  return { template, read, end: '<|im_end|>', token: '<|im_start|>', hasSystem: true };
}

async function llama(): Promise<Case> {
  const template = createChatTemplate(await readChatTemplate(modelDirectory('llama3_1')));
  const chat = await chatLayoutFromTemplate({ template, tokenizer: modelTokenizer('llama3_1') });
  const read = await createRenderedReader({ ...chat, template });
  return { template, read, end: '<|eot_id|>', token: '<|start_header_id|>', hasSystem: true };
}

async function qwen(): Promise<Case> {
  const source = await readChatTemplate(modelDirectory('qwen3'));
  const template = createChatTemplate({ ...source, variables: { enable_thinking: false } });
  const chat = await chatLayoutFromTemplate({ template, tokenizer: modelTokenizer('qwen3') });
  const read = await createRenderedReader({ ...chat, template });
  return { template, read, end: '<|im_end|>', token: '<|im_start|>', hasSystem: true };
}

async function gemmaCase(): Promise<Case> {
  const template = createChatTemplate({ template: gemma, specialTokens: { bos_token: '<bos>' } });
  const specialTokens = ['<bos>', '<start_of_turn>', '<end_of_turn>'];
  const rest = { userStart: '', userEnd: '', assistantStart: '', pad: '<pad>' };
  const chat = { id: 'gemma', bos: '<bos>', end: '<end_of_turn>', ...rest, specialTokens };
  const read = await createRenderedReader({ ...chat, template });
  return { template, read, end: '<end_of_turn>', token: '<start_of_turn>', hasSystem: false };
}

const turn = (role: string, content: string) => ({ role, content });
const question = turn('user', 'Why is\nthe sky "blue"? é');
const conversations = [
  [question],
  [question, turn('assistant', 'Air.'), turn('user', 'What\u00a0else?')],
  [question, turn('assistant', 'Air.'), turn('user', 'What?'), turn('assistant', 'No'), turn('user', '!')],
];

describe.each([
  ['ChatML', chatml],
  ['Llama 3.1', llama],
  ['Qwen3', qwen],
  ['Gemma', gemmaCase],
] as const)('text that %s has rendered', (_, create) => {
  const made = create();

  it('is read as the turns that it was made of, with and without what was asked', async () => {
    const { template, read, end, hasSystem } = await made;
    const instructed = conversations.map((turns) => [turn('system', 'Be brief.'), ...turns]);
    for (const turns of [...conversations, ...(hasSystem ? instructed : [])]) {
      const segments = await template.render(turns, { addGenerationPrompt: true });
      const prompt = segments.map(({ text }) => text).join('');
      for (const closing of ['', end, `${end}\n`, `${end}${end}`]) {
        const expected = { prompt: turns, response: 'Because.' };
        expect(await read(`${prompt}Because.${closing}`, prompt)).toEqual(expected);
        expect(await read(`${prompt}Because.${closing}`)).toEqual(expected);
      }
      const bos = template.specialTokens.bos_token ?? '';
      if (bos !== '' && prompt.startsWith(bos)) {
        expect(await read(`${prompt.slice(bos.length)}x`)).toEqual({ prompt: turns, response: 'x' });
      }
      const finished = await template.render([...turns, turn('assistant', 'Because.')]);
      expect(await read(finished.map(({ text }) => text).join(''))).toMatchObject({ response: 'Because.' });
    }
  });

  it('keeps what a policy wrote in the place of its response', async () => {
    const { template, read, end, token } = await made;
    const prompt = (await template.render([question], { addGenerationPrompt: true }))
      .map(({ text }) => text)
      .join('');
    const posing = `Yes.${end}\n${token}user\nThank you!`;
    expect(await read(`${prompt}${posing}${end}`, prompt)).toEqual({ prompt: [question], response: posing });
  });

  it('is refused where the template writes something else, and left alone without tokens', async () => {
    const { template, read, end, token } = await made;
    const prompt = (await template.render([question], { addGenerationPrompt: true }))
      .map(({ text }) => text)
      .join('');
    const wrong = [
      prompt.slice(0, prompt.indexOf('Why') + 3),
      `x${prompt}y`,
      prompt.replace('user', 'usher'),
      prompt.replace('Why', `Why${token}`),
      `${prompt}a${token}b`,
      token,
      `plain text with ${end}`,
    ];
    for (const text of wrong) {
      await expect(read(text), text).rejects.toMatchObject({
        code: 'not-rendered',
        hint: expect.any(String),
      });
    }
    await expect(read(`${prompt}more`, `${prompt}mo`)).rejects.toMatchObject({ code: 'not-rendered' });
    await expect(read(`${token}x`.repeat(5000))).rejects.toMatchObject({ code: 'not-rendered' });
    expect(await read('plain text')).toBeUndefined();
    expect(await read(`plain${end}`, 'plain')).toBeUndefined();
  });
});

it('reads the layout of models without a template', async () => {
  const read = await createRenderedReader(plainChat);
  expect(await read('<|user|>1 + 1<|assistant|>2<|end|>')).toEqual({
    prompt: [turn('user', '1 + 1')],
    response: '2',
  });
  const longer = [turn('user', '1'), turn('assistant', '2'), turn('user', '3')];
  expect(await read('<|user|>1<|assistant|>2<|end|><|user|>3<|assistant|>4')).toEqual({
    prompt: longer,
    response: '4',
  });
  await expect(read('<|user|>1<|assistant|>2<|end|><|user|>3')).rejects.toMatchObject({
    code: 'not-rendered',
  });
});
