import { describe, expect, it } from 'vitest';
import { plainChat } from '../chat/chat-layout.js';
import { judgePrompt, judgePrompts } from './judge-prompt.js';

describe('judgePrompt', () => {
  it('finds each by its id, and ids are unique', () => {
    for (const prompt of judgePrompts) expect(judgePrompt(prompt.id)).toBe(prompt);
  });

  it('lists the known ids when there is none', () => {
    expect(() => judgePrompt('gram-eval-0')).toThrow(
      expect.objectContaining({ code: 'unknown-prompt', hint: 'use one of: gram-eval-1, gram-compact-1' }),
    );
  });
});

describe('plainChat', () => {
  it('lists all special tokens it is made of', () => {
    const { bos, userStart, userEnd, assistantStart, end, pad, specialTokens } = plainChat;
    const used = [bos, userStart, userEnd, assistantStart, end, pad].filter((piece) => piece !== '');
    expect(new Set(specialTokens)).toEqual(new Set(used));
  });
});
