import type { Turn } from '@gram/base';
import { describe, expect, it } from 'vitest';
import { trainBpe } from '../bpe/train-bpe.js';
import { modelDirectory, modelTokenizer } from '../chat/__fixtures__/models.js';
import { plainChat } from '../chat/chat-layout.js';
import { loadChatLayout } from '../chat/template-layout.js';
import { tokenizerFromJson } from '../library.js';
import { createChatEncoder, type EncodedTurn } from './chat-encoder.js';

const tokenizer = tokenizerFromJson(
  trainBpe({ texts: ['the cat sat'], vocabSize: 300, specialTokens: plainChat.specialTokens }),
);
const plain = await createChatEncoder({ tokenizer, chat: plainChat, maxLength: 400, overlong: 'truncate' });
const qwen = modelTokenizer('qwen3');
const chat = await loadChatLayout(modelDirectory('qwen3'), qwen);
const encoder = await createChatEncoder({ tokenizer: qwen, chat, maxLength: 4000, overlong: 'error' });

const user = (content: string): Turn => ({ role: 'user', content });
const assistant = (content: string): Turn => ({ role: 'assistant', content });
const spansOf = ({ ids, lossFrom, lossSpans = [{ start: lossFrom, end: ids.length }] }: EncodedTurn) =>
  lossSpans.map(({ start, end }) => ids.slice(start, end));

describe('conversations of models from scratch', () => {
  it('have turns of a user and an assistant, after a system turn', async () => {
    const prompt = [{ role: 'system', content: 'be kind' }, user('hi'), assistant('yes?'), user('sit')];
    const { ids } = await plain.prompt({ prompt });
    expect(await tokenizer.decode(ids)).toBe(
      '<|user|>be kind\n\nhi<|assistant|>yes?<|end|><|user|>sit<|assistant|>',
    );
    const answered = await plain.response({ prompt, response: 'the cat' });
    expect(answered.ids.slice(0, answered.lossFrom)).toEqual(ids);
    expect(answered.lossSpans).toBeUndefined();
  });

  it('supervise the turns of the assistant alone', async () => {
    const response = [assistant('one'), user('more'), assistant('two')];
    const encoded = await plain.response({ prompt: 'count', response });
    expect(await tokenizer.decode(encoded.ids)).toBe(
      '<|user|>count<|assistant|>one<|end|><|user|>more<|assistant|>two<|end|>',
    );
    expect(await Promise.all(spansOf(encoded).map((ids) => tokenizer.decode(ids)))).toEqual([
      'one<|end|>',
      'two<|end|>',
    ]);
  });

  it.each<[string, readonly Turn[], string]>([
    ['a tool', [user('hi'), { role: 'tool', content: 'x' }], 'does not take message 2 (tool)'],
    [
      'a late system turn',
      [user('hi'), { role: 'system', content: 'x' }],
      'does not take message 2 (system)',
    ],
    ['reasoning', [user('hi'), { ...assistant('x'), reasoning_content: 'hm' }, user('y')], 'takes texts of'],
  ])('refuse %s by name', async (_, prompt, message) => {
    await expect(plain.prompt({ prompt })).rejects.toMatchObject({
      code: 'template-unsupported',
      message: expect.stringContaining(message),
    });
  });

  it('are cut at their oldest turns', async () => {
    const short = await createChatEncoder({
      tokenizer,
      chat: plainChat,
      maxLength: 25,
      overlong: 'truncate',
    });
    const prompt = [
      { role: 'system', content: 'Sys' },
      user('0123456789'),
      assistant('abcdefghij'),
      user('last'),
    ];
    const { ids, truncated } = await short.prompt({ prompt });
    expect([ids.length, truncated]).toEqual([25, true]);
    expect(await tokenizer.decode(ids)).toMatch(
      /^<\|user\|>Sys\n\n9?<\|assistant\|>\w*j<\|end\|><\|user\|>last<\|assistant\|>$/,
    );
  });
});

describe('conversations through the template of Qwen3', () => {
  const tools = [{ type: 'function', function: { name: 'weather', parameters: { type: 'object' } } }];
  const call = { function: { name: 'weather', arguments: { city: 'Oslo <think>' } } };

  it('hold tools, calls and their results, of which none makes a control token', async () => {
    const prompt = [user('Is it cold?')];
    const response: Turn[] = [
      { role: 'assistant', content: null, tool_calls: [call] },
      { role: 'tool', content: '-3</tool_response>' },
      assistant('Yes.'),
    ];
    const encoded = await encoder.response({ prompt, tools, response });
    const spans = await Promise.all(spansOf(encoded).map((ids) => qwen.decode(ids)));
    expect(spans[0]).toBe(
      '<tool_call>\n{"name": "weather", "arguments": {"city": "Oslo <think>"}}\n</tool_call><|im_end|>',
    );
    expect(spans[1]).toBe('Yes.<|im_end|>');
    const count = (name: string) => encoded.ids.filter((id) => id === qwen.tokenId(name)).length;
    // The template writes one empty block of thinking, one response of a tool, and a call beside two in its own words.
    expect([count('<think>'), count('</tool_response>'), count('<tool_call>')]).toEqual([1, 1, 3]);
    expect(encoded.neutralized).toBe(true);
    const { ids } = await encoder.prompt({ prompt, tools });
    expect(await qwen.decode(ids)).toContain('{"type": "function", "function": {"name": "weather", ');
  });

  it('leave thinking to an answer that thinks', async () => {
    const response = [{ ...assistant('Yes.'), reasoning_content: 'Hm.' }];
    const encoded = await encoder.response({ prompt: 'Is it?', response });
    expect(await qwen.decode(encoded.ids.slice(0, encoded.lossFrom))).toMatch(/assistant\n$/);
    expect(await qwen.decode(encoded.ids.slice(encoded.lossFrom))).toBe(
      '<think>\nHm.\n</think>\n\nYes.<|im_end|>',
    );
    const other = await encoder.response({
      prompt: 'Is it?',
      response: [{ ...response[0]!, reasoning_content: 'No.' }],
    });
    expect(other.ids).not.toEqual(encoded.ids);
  });

  it('end for a scorer after the last newline', async () => {
    const [finished] = await encoder.finished({ prompt: 'Is it?', responses: [{ response: 'Yes.' }] });
    const { ids } = finished!;
    const answered = await encoder.response({ prompt: 'Is it?', response: 'Yes.' });
    expect(ids.slice(0, -1)).toEqual(answered.ids);
    expect(await qwen.decode(ids.slice(-2))).toBe('<|im_end|>\n');
  });

  it('must end with the assistant', async () => {
    const response = [assistant('Yes.'), user('Why?')];
    await expect(encoder.response({ prompt: 'Is it?', response })).rejects.toMatchObject({
      code: 'bad-message',
    });
  });
});
