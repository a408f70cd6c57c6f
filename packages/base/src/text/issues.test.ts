import { expect, it } from 'vitest';
import { describeIssues, issueMessage, issuePath } from './issues.js';

it('names the place of each issue', () => {
  expect(describeIssues([{ path: ['a', 0, 'b'], message: 'is too small' }])).toBe('a[0].b: is too small');
  expect(describeIssues([{ path: [], message: 'is no object' }], 'the body')).toBe('the body: is no object');
  expect(describeIssues([{ path: [], message: 'is no object' }])).toBe('is no object');
});

it('names an unknown key as the place', () => {
  const issue = { path: ['kl'], code: 'unrecognized_keys', keys: ['beta', 'b'], message: 'unknown' };
  expect(issuePath(issue)).toBe('kl.beta');
});

it('says what is wrong in lower case, without the kind of the issue', () => {
  const said = (message: string) => issueMessage({ message });
  expect(said('Invalid input: expected number, received string')).toBe('expected number, received string');
  expect(said('Too big: expected number to be <=1000')).toBe('expected number to be <=1000');
  expect(said('Unrecognized key: "a"')).toBe('unrecognized key: "a"');
  expect(said('JSON must be an object')).toBe('JSON must be an object');
  expect(said('is no object')).toBe('is no object');
});

it('describes five issues and counts the others', () => {
  const issues = Array.from({ length: 7 }, (_, i) => ({ path: [i], message: 'no' }));
  expect(describeIssues(issues)).toBe('[0]: no; [1]: no; [2]: no; [3]: no; [4]: no; and 2 more');
  expect(describeIssues([])).toBe('');
});

it('stays on one line and short, whatever the keys are', () => {
  const text = describeIssues([{ path: ['\u001b[31m\n', 'x'.repeat(1000)], message: 'no' }]);
  expect(text.startsWith('\\u001b[31m\\n.xxx')).toBe(true);
  expect(text).toHaveLength(300);
});
