#!/usr/bin/env node
// Checks the documents (README.md of the root, the packages, the examples and the benchmarks, ARCHITECTURE.md and
// CONTRIBUTING.md) against the packages as they are built:
//
//   node scripts/documents.mjs                           all of them
//   node scripts/documents.mjs packages/train ...        those whose path starts so
//   --sources                                            types of the sources instead of the built packages
//   --no-run                                             types, names and paths only
//   --known                                              without the names that known-findings.json lists
//   --write-known                                        makes the names that are missing the known ones
//
// Their TypeScript and JavaScript is type-checked and, where it can run without a network, run; see
// documents/blocks.mjs for the comments that say more about a block. Every name that a package exports is in its
// README. Every file and folder that a document names is there, and the ways of ARCHITECTURE.md are true.
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './commands.mjs';
import { programsOf } from './documents/blocks.mjs';
import { missingNames } from './documents/names.mjs';
import { missingPaths } from './documents/paths.mjs';
import { partsToRun, runErrors } from './documents/running.mjs';
import { britishSpellings } from './documents/spelling.mjs';
import { typeErrors } from './documents/types.mjs';
import { brokenWays } from './documents/ways.mjs';
import { compareWithKnown, writeKnown } from './known.mjs';

const args = process.argv.slice(2);
const chosen = args.filter((arg) => !arg.startsWith('--'));
const isChosen = (place) => chosen.length === 0 || chosen.some((start) => place.startsWith(start));

const documents = allDocuments().filter(isChosen);
const programs = documents.flatMap(programsOf);
const toRun = args.includes('--no-run') ? [] : programs.filter((program) => partsToRun(program).length > 0);

const missing = missingNames();
if (args.includes('--write-known')) writeKnown('documents', missing);
const { added, stale } = compareWithKnown('documents', missing);
const isKnown = args.includes('--known');

const problems = [
  ['paths that are not there', documents.flatMap(missingPaths)],
  ['ways that are broken', brokenWays().filter(isChosen)],
  ['exported names that the README does not have', (isKnown ? added : missing).filter(isChosen)],
  ['known names that are no longer missing (use --write-known)', isKnown ? stale : []],
  ['British spellings', britishSpellings().filter(isChosen)],
  ['type errors', typeErrors(programs, args.includes('--sources'))],
  ['programs that failed', await runErrors(toRun)],
];
for (const [title, list] of problems) {
  if (list.length > 0) console.log(`\n${title}: ${list.length}\n  ${list.join('\n  ')}`);
}
const parts = programs.reduce((sum, program) => sum + program.parts.length, 0);
const count = problems.reduce((sum, [, list]) => sum + list.length, 0);
console.log(
  `documents: ${documents.length}, blocks checked: ${parts}, programs run: ${toRun.length}, problems: ${count}`,
);
process.exitCode = count > 0 ? 1 : 0;

function allDocuments() {
  const rooted = [
    'README.md',
    'ARCHITECTURE.md',
    'CONTRIBUTING.md',
    'bench/README.md',
    '.changeset/README.md',
  ];
  const nested = ['packages', 'examples'].flatMap((area) =>
    readdirSync(join(root, area)).map((name) => `${area}/${name}/README.md`),
  );
  return [...rooted, ...nested].filter((path) => existsSync(join(root, path)));
}
