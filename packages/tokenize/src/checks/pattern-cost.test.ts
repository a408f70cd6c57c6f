import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { describe, expect, it } from 'vitest';
import { patternCost } from './pattern-cost.js';

const WHOLE = 4_000_000;
const SHORT = 10_000;

describe('the cost of a pattern', () => {
  it.each([
    ['\\s+(?!\\S)|\\s+', 1, WHOLE],
    ['\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+', 1, WHOLE],
    [' ?[^\\s\\p{L}]+[\\r\\n/]*', 0, WHOLE],
    ['\\p{N}{1,3}', 0, WHOLE],
    // The second alternative takes what the first one gives back.
    ['[\\p{Lu}]*[\\p{Ll}]+(?:x)?|[\\p{Lu}]+[\\p{Ll}]*', 1, WHOLE],
    ['[^\\s\\p{L}]?+\\p{L}++x', 0, WHOLE],
    ['(?i)a+', 0, WHOLE],
    // Each alternative may try the whole run again.
    ['\\s+a|\\s+b|\\s+c|\\s+d|\\s+', 1, 2_000_000],
    ['[ \\t]*x', 1, SHORT],
    ['\\s+[a-z]', 1, SHORT],
    ['[]\\[x]*y', 1, SHORT],
    ['(?:ab)*c', 1, SHORT],
    ['a{2,}b', 1, SHORT],
    ['a*a*b', 2, SHORT],
    ['a*?(?:b*c)', 2, SHORT],
    ['a*(?=b)', 1, SHORT],
  ])('%s has the power %i and the longest text %i', (pattern, power, maximumText) => {
    expect(patternCost(pattern)).toEqual({ power, maximumText });
  });

  it.each([
    // o200k and Tekken, whose second alternative takes the capital letters that the first one gives back
    "[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lo}]*[\\p{Ll}\\p{Lo}]+(?i:'s|'t)?|[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lo}]+[\\p{Ll}\\p{Lo}]*(?i:'s|'t)?|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+",
    // cl100k, Llama 3, Qwen
    "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+",
    // Bloom
    ' ?[^(\\s|[.,!?…。，、।۔،])]+',
    ' {2,}',
  ])('leaves room for any text with the published pattern %s', (pattern) => {
    const { power, maximumText } = patternCost(pattern);
    expect(power).toBeLessThanOrEqual(1);
    expect(maximumText).toBeGreaterThan(2_000_000);
  });

  // A search that is too long ends the process, so it is made in another one.
  it('is one that the library bears on the longest text that is allowed', () => {
    const cases = [
      ['\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+', ' '.repeat(WHOLE)],
      ['\\s+a|\\s+b|\\s+c|\\s+d|\\s+', ' '.repeat(2_000_000)],
      ['[ \\t]*x', `${' '.repeat(SHORT - 3)}y x`],
    ];
    const script = `
      const { Tokenizer } = require(${JSON.stringify(createRequire(import.meta.url).resolve('tokenizers'))});
      const step = (Regex) => ({ type: 'Split', pattern: { Regex }, behavior: 'Isolated', invert: false });
      const model = { type: 'WordLevel', vocab: { u: 0 }, unk_token: 'u' };
      (async () => {
        for (const [pattern, unit, count, tail] of JSON.parse(process.argv[1])) {
          const json = { version: '1.0', added_tokens: [], pre_tokenizer: step(pattern), model };
          await Tokenizer.fromString(JSON.stringify(json)).encode(unit.repeat(count) + tail);
        }
      })();`;
    const packed = cases.map(([pattern, text]) => {
      const spaces = text!.length - text!.trimStart().length;
      return [pattern, ' ', spaces, text!.slice(spaces)];
    });
    const { status, stderr } = spawnSync(process.execPath, ['-e', script, JSON.stringify(packed)], {
      encoding: 'utf8',
      timeout: 240_000,
    });
    expect(status, stderr).toBe(0);
  }, 250_000);
});
