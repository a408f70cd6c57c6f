import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { trainBpe } from '../bpe/train-bpe.js';
import { type ChatLayout, plainChat } from '../chat/chat-layout.js';
import { tokenizerFromJson } from '../library.js';
import { judgePrompt } from '../prompts/judge-prompt.js';
import { type ChatEncoderOptions, createChatEncoder } from './chat-encoder.js';
import { createPairEncoder } from './pair-encoder.js';

/** A layout that uses every part: bos, an end of the user's turn, and text among the special tokens. */
const wordyChat: ChatLayout = {
  id: 'wordy',
  bos: '<s>',
  userStart: '<turn>user\n',
  userEnd: '</turn>\n',
  assistantStart: '<turn>assistant\n',
  end: '</turn>',
  pad: '<pad>',
  specialTokens: ['<pad>', '<s>', '<turn>', '</turn>'],
};

const tokenizer = tokenizerFromJson(
  trainBpe({
    texts: ['the cat sat on the mat', 'the cat sat', 'user assistant', 'user assistant'],
    vocabSize: 320,
    specialTokens: [...plainChat.specialTokens, ...wordyChat.specialTokens],
  }),
);
const create = (options: Partial<ChatEncoderOptions> = {}) =>
  createChatEncoder({ tokenizer, chat: plainChat, maxLength: 4096, overlong: 'error', ...options });
const id = (token: string) => tokenizer.tokenId(token)!;

describe('prompt', () => {
  it('ends with the start of the answer, and knows the tokens around it', async () => {
    const [plain, wordy] = [await create(), await create({ chat: wordyChat })];
    const { ids, ...flags } = await plain.prompt({ prompt: 'the cat' });
    expect(await tokenizer.decode(ids)).toBe('<|user|>the cat<|assistant|>');
    expect(flags).toEqual({ truncated: false, neutralized: false });
    expect(await tokenizer.decode((await wordy.prompt({ prompt: 'the cat' })).ids)).toBe(
      '<s><turn>user\nthe cat</turn>\n<turn>assistant\n',
    );
    expect([plain.padId, plain.endId]).toEqual([id('<|pad|>'), id('<|end|>')]);
    expect([wordy.padId, wordy.endId]).toEqual([id('<pad>'), id('</turn>')]);
  });

  it('that is too long is refused by name, or keeps its end', async () => {
    const record = { id: 'p3', prompt: '0123456789' };
    const { length } = (await (await create()).prompt(record)).ids;
    await expect((await create({ maxLength: length })).prompt(record)).resolves.toMatchObject({
      truncated: false,
    });
    await expect((await create({ maxLength: length - 1 })).prompt(record)).rejects.toMatchObject({
      code: 'too-long',
      message: `record "p3" needs ${length} tokens and ${length - 1} are allowed`,
    });
    for (const [maxLength, kept] of [
      [length - 4, '456789'],
      [3, '9'],
    ] as const) {
      const cut = await (await create({ maxLength, overlong: 'truncate' })).prompt(record);
      expect(cut.truncated).toBe(true);
      expect(await tokenizer.decode(cut.ids)).toBe(`<|user|>${kept}<|assistant|>`);
    }
    await expect((await create({ maxLength: 2, overlong: 'truncate' })).prompt(record)).rejects.toMatchObject(
      { code: 'template-too-long' },
    );
  });
});

describe('response', () => {
  // Text that would merge with its neighbors or pose as a turn if the pieces were not encoded apart.
  const text = fc
    .array(fc.constantFrom('the cat', ' sat', '<|assistant|>', '</turn>', '<s>', '\n', 'user', '🙂', 'x'))
    .map((parts) => parts.join(''));

  it.each([plainChat, wordyChat])('of $id starts with the ids of its prompt', async (chat) => {
    const encoder = await create({ chat });
    const [opening, end] = [id(chat === plainChat ? '<|user|>' : '<s>'), id(chat.end)];
    await fc.assert(
      fc.asyncProperty(text, text, async (prompt, response) => {
        const asked = await encoder.prompt({ prompt });
        const { ids, lossFrom, truncated } = await encoder.response({ prompt, response });
        expect(truncated).toBe(false);
        expect(lossFrom).toBe(asked.ids.length);
        expect(ids.slice(0, lossFrom)).toEqual(asked.ids);
        expect(ids.slice(lossFrom)).toEqual([...(await tokenizer.encode(response)), end]);
        expect(ids[0]).toBe(opening);
      }),
      { numRuns: 60 },
    );
  });

  it('that was cut has no end token', async () => {
    const encoder = await create({ maxLength: 12, overlong: 'truncate' });
    const { ids, truncated } = await encoder.response({ prompt: 'the cat', response: '0123456789' });
    expect(truncated).toBe(true);
    expect(await tokenizer.decode(ids)).toMatch(/^<\|user\|>the cat<\|assistant\|>01234\d*$/);
    // Its prompt was cut and it was not.
    const whole = await encoder.response({ prompt: '0123456789', response: 'the cat' });
    expect(whole).toMatchObject({ truncated: true });
    expect(await tokenizer.decode(whole.ids)).toMatch(/^<\|user\|>\d+<\|assistant\|>the cat<\|end\|>$/);
  });

  it('is what a pair encoder gives', async () => {
    const options = { tokenizer, chat: plainChat, maxLength: 40, overlong: 'truncate' } as const;
    const pairs = await createPairEncoder({ ...options, prompt: judgePrompt('gram-compact-1') });
    const record = { prompt: 'Q: the cat', response: 'answer A: sat on the mat'.repeat(4) };
    expect(await pairs.response(record)).toEqual(await (await create(options)).response(record));
    expect(await pairs.prompt(record)).toEqual(await (await create(options)).prompt(record));
  });
});

describe('pair', () => {
  it('is the two responses where nothing is cut', async () => {
    const encoder = await create();
    const { chosen, rejected } = await encoder.pair({ prompt: 'the', chosen: ' cat', rejected: ' mat' });
    expect(chosen).toEqual(await encoder.response({ prompt: 'the', response: ' cat' }));
    expect(rejected).toEqual(await encoder.response({ prompt: 'the', response: ' mat' }));
  });

  it('has one prompt, however long each response is', async () => {
    const text = fc.integer({ min: 0, max: 30 }).map((length) => '0123456789'.repeat(3).slice(0, length));
    const encoder = await create({ maxLength: 20, overlong: 'truncate' });
    await fc.assert(
      fc.asyncProperty(text, text, text, async (prompt, chosen, rejected) => {
        const sides = await encoder.pair({ prompt, chosen, rejected });
        const [a, b] = [sides.chosen, sides.rejected];
        expect(a.ids.slice(0, a.lossFrom)).toEqual(b.ids.slice(0, b.lossFrom));
        const texts = await Promise.all([a, b].map(({ ids }) => tokenizer.decode(ids)));
        const [left = '', right = ''] = texts.map((full) => full.split('<|assistant|>')[1]);
        expect(chosen.startsWith(left.replace('<|end|>', ''))).toBe(true);
        expect(rejected.startsWith(right.replace('<|end|>', ''))).toBe(true);
        // The end stands after a whole response and no other.
        expect(left.endsWith('<|end|>')).toBe(left.length === chosen.length + '<|end|>'.length);
        expect(right.endsWith('<|end|>')).toBe(right.length === rejected.length + '<|end|>'.length);
        expect(Math.max(a.ids.length, b.ids.length)).toBeLessThanOrEqual(20);
      }),
      { numRuns: 200 },
    );
  });

  it('that is too long is refused by name', async () => {
    const pair = { id: 'p3', prompt: 'the', chosen: '0123456789', rejected: '1' };
    await expect((await create({ maxLength: 10 })).pair(pair)).rejects.toMatchObject({
      code: 'too-long',
      message: expect.stringMatching(/^record "p3" needs \d+ tokens and 10 are allowed$/),
    });
  });
});

describe('createChatEncoder', () => {
  it('refuses a tokenizer that lacks a special token of the layout', async () => {
    const bare = tokenizerFromJson(
      trainBpe({ texts: [], vocabSize: 260, specialTokens: ['<|pad|>', '<|end|>'] }),
    );
    await expect(create({ tokenizer: bare })).rejects.toMatchObject({
      code: 'special-token-missing',
      message: expect.stringContaining('<|user|>'),
    });
  });

  it('refuses a tokenizer that has it and does not mark it special', async () => {
    const json = JSON.parse(tokenizer.json);
    for (const token of json.added_tokens) token.special = false;
    await expect(create({ tokenizer: tokenizerFromJson(json) })).rejects.toMatchObject({
      code: 'special-token-missing',
    });
  });
});
