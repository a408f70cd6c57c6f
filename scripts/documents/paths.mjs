// The files and folders that the documents name: they have to be there.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { root } from '../commands.mjs';

const AREA = /^(?:packages|examples|bench|scripts|\.changeset|\.ci)\/\S+$/;

/** What a document names and is not there, as `document:line name`. */
export function missingPaths(document) {
  const text = readFileSync(join(root, document), 'utf8');
  const missing = [];
  const check = (path, index, shown) => {
    if (!isThere(path)) missing.push(`${document}:${text.slice(0, index).split('\n').length} ${shown}`);
  };
  for (const { 1: target, index } of text.matchAll(/\]\(([^)\s]+)\)/g)) {
    if (/^(?:[a-z]+:|#)/.test(target)) continue;
    check(normalize(join(dirname(document), target.replace(/#.*$/, ''))), index, target);
  }
  for (const { 1: code, index } of text.matchAll(/`([^`\n]+)`/g)) {
    if (AREA.test(code)) check(code, index, code);
  }
  return missing;
}

/** `<name>` stands for a file that is to be written, so its folder has to be there; `*` for any name. */
function isThere(path) {
  const [before] = path.split(/[<*{]/);
  if (before === path) return existsSync(join(root, path));
  const folder = dirname(`${before}x`);
  if (!existsSync(join(root, folder))) return false;
  if (path.includes('<')) return true;
  const first = path.slice(folder.length + 1).split('/')[0];
  const pattern = new RegExp(
    `^${first
      .replaceAll('.', '\\.')
      .replaceAll('*', '.*')
      .replace(/\{(.*)\}/, (_, names) => `(?:${names.replaceAll(',', '|')})`)}$`,
  );
  return readdirSync(join(root, folder)).some((name) => pattern.test(name));
}
