import { describe, expect, it } from 'vitest';
import { parseTokenizerJson } from './tokenizer-json.js';

describe('parseTokenizerJson', () => {
  it.each([
    ['', 'not valid JSON'],
    ['{"model":', 'not valid JSON'],
    ['[]', 'not a JSON object'],
    ['null', 'not a JSON object'],
    ['{}', 'no model.type'],
    ['{"model":{"type":7}}', 'no model.type'],
    ['{"model":{"type":"BPE"},"added_tokens":{}}', 'added_tokens'],
    ['{"model":{"type":"BPE"},"added_tokens":[{"id":"1","content":"x"}]}', 'added_tokens'],
    ['{"model":{"type":"BPE"},"added_tokens":[{"id":1}]}', 'added_tokens'],
  ])('refuses %s', (text, what) => {
    expect(() => parseTokenizerJson(text, 'x.json')).toThrow(
      expect.objectContaining({ code: 'tokenizer-broken', message: expect.stringContaining(what) }),
    );
  });
});
