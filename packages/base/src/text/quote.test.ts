import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { quote } from './quote.js';

describe('quote', () => {
  it('is JSON for what is short', () => {
    expect(quote('a "name"\n')).toBe('"a \\"name\\"\\n"');
    expect(quote(1.5)).toBe('1.5');
    expect(quote(null)).toBe('null');
    expect(quote(undefined)).toBe('undefined');
    expect(quote({ a: [true] })).toBe('{"a":[true]}');
  });

  it('escapes what a terminal would act on', () => {
    expect(quote('\u009b31m\u007f\u2028\u202egnp')).toBe('"\\u009b31m\\u007f\\u2028\\u202egnp"');
  });

  it('cuts what is long, a string inside its quotes', () => {
    expect(quote('a'.repeat(198))).toBe(`"${'a'.repeat(198)}"`);
    expect(quote('a'.repeat(199))).toBe(`"${'a'.repeat(195)}..."`);
    expect(quote('a'.repeat(9999))).toBe(`"${'a'.repeat(195)}..."`);
    expect(quote(Array.from({ length: 200 }, () => 1))).toHaveLength(200);
  });

  it('has one line of at most 200 characters, whatever is quoted, and a string can be read back', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', minLength: 150, maxLength: 250 }), (text) => {
        const quoted = quote(text);
        expect(quoted.length).toBeLessThanOrEqual(200);
        expect(quoted).not.toMatch(/[\p{Cc}\u2028\u2029]/u);
        const read: unknown = JSON.parse(quoted);
        if (read !== text) expect(text.startsWith(String(read).replace(/\.\.\.$/, ''))).toBe(true);
      }),
    );
  });
});
