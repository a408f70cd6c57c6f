import { expect, it } from 'vitest';
import { patternProblem } from './pattern.js';

const PUBLISHED = [
  // GPT-2
  "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+",
  // cl100k, Llama 3, Qwen
  "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+",
  "'(?i:[sdmt]|ll|ve|re)|[^\\r\\n\\p{L}\\p{N}]?+\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]++[\\r\\n]*|\\s*[\\r\\n]|\\s+(?!\\S)|\\s+",
  // o200k
  "[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]*[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+",
  // DeepSeek, Bloom, Falcon
  '[!"#$%&\'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~][A-Za-z]+|[^\\r\\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+| ?[\\p{P}\\p{S}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+',
  ' ?[^(\\s|[.,!?…。，、।۔،])]+',
  '[0-9][0-9][0-9]',
  '[\\x{4E00}-\\x{9FFF}]+|\\x{2000}',
  ' {2,}',
];

it.each(PUBLISHED)('takes the published pattern %s', (pattern) => {
  expect(patternProblem(pattern)).toBeUndefined();
});

it.each([
  ['(a+)+b', 'repeats what repeats'],
  ['((?:a*))*b', 'repeats what repeats'],
  ['(a|aa)+b', 'repeats what repeats or chooses'],
  ['(?:a?a?)*b', 'repeats what repeats or chooses'],
  ['(?:[a]|[a])*b', 'repeats what repeats or chooses'],
  ['a+{2,}', 'repeats what repeats'],
  ['(a)\\1*', 'refers to groups'],
  ['(?<n>a\\g<n>?)', 'refers to groups'],
  ['(?~abc)', 'refers to groups'],
  ['a*a*b', 'two repetitions'],
  ['\\s*(?:x|\\p{L}*)y', 'two repetitions'],
  ['a*a*a*a*b', 'more than 3 repetitions'],
  ['(?:a*a*)(?:a*|a*a*)b', 'more than 3 repetitions'],
  ['((a{100}){100}){100}', 'too many times'],
  ['(((a)', 'groups do not match'],
  ['a)', 'groups do not match'],
  ['[a', 'brackets do not match'],
  ['x'.repeat(5000), 'more than 4096 characters'],
])('refuses %s', (pattern, problem) => {
  expect(patternProblem(pattern)).toContain(problem);
});
