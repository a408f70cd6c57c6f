import { describe, expect, it } from 'vitest';
import {
  answerTurns,
  conversationKey,
  conversationText,
  plainAnswer,
  plainPrompt,
  promptTurns,
} from './conversation.js';
import { readTurns } from './read-turns.js';

const refuse = (path: string, wanted: string) => new RangeError(`${path} is not ${wanted}`);

describe('conversations', () => {
  it('take a text as one turn and one plain turn as a text', () => {
    expect(promptTurns('Hi')).toEqual([{ role: 'user', content: 'Hi' }]);
    expect(answerTurns('Yes')).toEqual([{ role: 'assistant', content: 'Yes' }]);
    expect(plainPrompt(promptTurns('Hi'))).toBe('Hi');
    expect(plainAnswer(answerTurns('Yes'))).toBe('Yes');
    const system = [{ role: 'system', content: 'Hi' }];
    expect(plainPrompt(system)).toBe(system);
    const thinking = [{ role: 'assistant', content: 'Yes', reasoning_content: 'Hm' }];
    expect(plainAnswer(thinking)).toBe(thinking);
  });

  it('are equal when their turns are', () => {
    expect(conversationKey([{ content: 'Hi', role: 'user' }])).toBe(conversationKey('Hi'));
    expect(conversationKey([{ role: 'system', content: 'Hi' }])).not.toBe(conversationKey('Hi'));
    const [first, second] = ['a', 'b'].map((reasoning_content) => [
      { role: 'assistant', content: 'Yes', reasoning_content },
    ]);
    expect(conversationKey(first ?? [])).not.toBe(conversationKey(second ?? []));
  });

  it('are written with their speakers', () => {
    const calls = [{ function: { name: 'add', arguments: { a: 1 } } }];
    expect(
      conversationText([
        { role: 'system', content: 'Be kind.' },
        { role: 'user', content: '1 + 1?' },
        { role: 'assistant', content: null, tool_calls: calls },
        { role: 'tool', name: 'add', content: '2' },
      ]),
    ).toBe(
      'System: Be kind.\n\nHuman: 1 + 1?\n\nAssistant: {"name":"add","arguments":{"a":1}}\n\ntool add: 2',
    );
  });
});

describe('readTurns', () => {
  it('joins text parts, and keeps calls, names and reasoning', () => {
    const call = { id: 'c1', type: 'function', function: { name: 'add', arguments: '{"a":1}' } };
    expect(
      readTurns(
        [
          {
            role: 'user',
            content: [
              { type: 'text', text: 'a' },
              { type: 'text', text: 'b' },
            ],
            weight: 1,
          },
          { role: 'assistant', content: null, tool_calls: [call], reasoning: 'Hm', function_call: null },
          { role: 'tool', content: '2', tool_call_id: 'c1', name: 'add' },
        ],
        refuse,
        ['weight'],
      ),
    ).toEqual([
      { role: 'user', content: 'ab' },
      { role: 'assistant', content: null, tool_calls: [call], reasoning_content: 'Hm' },
      { role: 'tool', content: '2', tool_call_id: 'c1', name: 'add' },
    ]);
  });

  it.each<[unknown, string]>([
    ['Hi', ' is not a list of messages'],
    [[], ' is not a list of messages'],
    [['Hi'], '0 is not a message, an object'],
    [[{ role: 'user' }], '0.content is not a string'],
    [[{ role: 'the user', content: '' }], '0.role is not a word such as "user"'],
    [[{ role: 'user', content: 'a', audio: 'x' }], '0.audio is not a field of a message'],
    [
      [{ role: 'user', content: [{ type: 'image_url', image_url: 'x' }] }],
      '0.content.0 is not a part of type "text"',
    ],
    [
      [{ role: 'assistant', content: null, tool_calls: [{ function: { name: 3 } }] }],
      'function.name is not a string',
    ],
    [[{ role: 'assistant', content: 'a', reasoning_content: 3 }], '0.reasoning_content is not a string'],
  ])('refuses %j', (value, message) => {
    expect(() => readTurns(value, refuse)).toThrow(message);
  });
});
