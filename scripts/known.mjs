// Findings that the checks of structure and of documents know already, in known-findings.json. The list may only
// shrink: a finding that is not in it fails the check, and so does an entry that is no longer found.
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './commands.mjs';

const path = join(root, 'scripts', 'known-findings.json');
const read = () => (existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')) : {});

/** The keys that are found more often than is known, and those that are known and found less often. */
export function compareWithKnown(check, keys) {
  const found = countsOf(keys);
  const known = read()[check] ?? {};
  return {
    added: Object.keys(found).filter((key) => found[key] > (known[key] ?? 0)),
    stale: Object.keys(known).filter((key) => known[key] > (found[key] ?? 0)),
  };
}

/** Makes what is found what is known. */
export function writeKnown(check, keys) {
  const all = { ...read(), [check]: countsOf([...keys].sort()) };
  if (keys.length === 0) delete all[check];
  if (Object.keys(all).length === 0) rmSync(path, { force: true });
  else writeFileSync(path, `${JSON.stringify(all, undefined, 2)}\n`);
}

function countsOf(keys) {
  const counts = {};
  for (const key of keys) counts[key] = (counts[key] ?? 0) + 1;
  return counts;
}
