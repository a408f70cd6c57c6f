import { createHash } from 'node:crypto';
import { expect, it } from 'vitest';
import { pagePolicy } from './page-policy.js';

it('allows the named scripts and styles by their hashes, and nothing else', () => {
  const hash = (text: string) => `'sha256-${createHash('sha256').update(text).digest('base64')}'`;
  const directives = pagePolicy({ scripts: ['go()'], styles: ['a{}', 'b{}'] }).split('; ');
  expect(directives).toContain("default-src 'none'");
  expect(directives).toContain(`script-src ${hash('go()')}`);
  expect(directives).toContain(`style-src ${hash('a{}')} ${hash('b{}')}`);
  expect(directives.join(' ')).not.toContain('unsafe');
});
