#!/usr/bin/env node
// Lists where the sources leave the shape of the house:
//
//   node scripts/structure.mjs                     the whole repository
//   node scripts/structure.mjs packages/train ...  only what lies in these folders
//   --json                                         the findings as JSON
//   --known                                        only what known-findings.json does not list; as `npm test` does
//   --write-known                                  makes the findings the known ones
//
// Tests are left out of everything: `*.test.*`, `__fixtures__` and what imports vitest.
//
// Circles of files. An edge is an import, an export from, an import() or a type import.
//
// Circles of folders, in each package. Two things lie side by side in a folder: its own files, taken together,
// and each of its subfolders, taken whole. An import is an edge between the two that lie side by side in the
// lowest folder which holds both files; a circle of such edges is listed. So `a/b` may not import from `a` if a
// file of `a` imports from `a/b`, and `a/b` may not import from `c` if `c` imports from `a/d`. `src` is the
// house and not a room: each file that lies directly in it stands for itself, so that `src/error.ts` can serve
// a folder which `src/main.ts` uses. The package's `src/index.ts` has no edges: it is what the others see.
//
// Circles of packages. An edge is an import of `@gram/…`; a type import counts like the others.
//
// Crowded folders: more than 12 source files side by side, without `index.ts`. A table
// of one kind, where every file is an entry and one of them or the folder above lists them, may be longer; TABLES
// names those.
//
// Long functions: more than 60 lines from the first line of the function (without its doc comment) to its
// last. A function inside another one counts for itself, and counts as lines of the other one too.
//
// Assertions without a reason: `value!` without `biome-ignore lint/style/noNonNullAssertion: reason`, and
// `as unknown as` without a comment, on the same line or the one above.
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './commands.mjs';
import { compareWithKnown, writeKnown } from './known.mjs';
import { findings, KINDS } from './structure/findings.mjs';

main(process.argv.slice(2));

function main(args) {
  const folders = args.filter((arg) => !arg.startsWith('--')).map((arg) => arg.replace(/^\.\/|\/+$/g, ''));
  for (const folder of folders) {
    if (!statSync(join(root, folder), { throwIfNoEntry: false })) {
      console.error(`no such folder: ${folder}`);
      process.exitCode = 1;
      return;
    }
  }
  const all = findings(root, folders);
  const keyOf = ({ kind, where }) => `${kind} ${where}`;
  if (args.includes('--write-known')) return writeKnown('structure', all.map(keyOf));
  const isKnown = args.includes('--known');
  const { added, stale } = compareWithKnown('structure', all.map(keyOf));
  const found = isKnown ? all.filter((finding) => added.includes(keyOf(finding))) : all;
  if (args.includes('--json')) console.log(JSON.stringify(found, undefined, 1));
  else print(found, all.length - found.length);
  if (isKnown && stale.length > 0) {
    console.log(`\nknown and no longer found (use --write-known):\n  ${stale.join('\n  ')}`);
  }
  process.exitCode = found.length > 0 || (isKnown && stale.length > 0) ? 1 : 0;
}

function print(found, known) {
  for (const [kind, title] of Object.entries(KINDS)) {
    const these = found.filter((finding) => finding.kind === kind);
    if (these.length === 0) continue;
    console.log(`\n${title}: ${these.length}`);
    for (const { message } of these) console.log(`  ${message}`);
  }
  console.log(`\nstructure: ${found.length} findings${known > 0 ? ` and ${known} that are known` : ''}`);
}
