import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { root } from './commands.mjs';

const folder = join(root, '.changeset');
const packages = readdirSync(join(root, 'packages')).map(
  (name) => JSON.parse(readFileSync(join(root, 'packages', name, 'package.json'), 'utf8')).name,
);
const files = readdirSync(folder).filter((name) => name.endsWith('.md') && name !== 'README.md');

it.each(files)('%s says which packages change, so that a release can read it', (name) => {
  const text = readFileSync(join(folder, name), 'utf8');
  const [, releases] = text.match(/^---\n((?:'[^']+': (?:major|minor|patch)\n)+)---\n\n\S/) ?? [];
  expect(releases).toBeDefined();
  for (const [, changed] of releases.matchAll(/'([^']+)'/g)) expect(packages).toContain(changed);
});
