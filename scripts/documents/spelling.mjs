// British spellings, in the documents and in the sources with their comments, names and messages: the house's English
// is American.
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { root } from '../commands.mjs';

const STEMS =
  'normal|regular|optim|initial|recogn|summar|quant|token|serial|standard|organ|neutral|general|special|minim|maxim|final|synchron|parallel|custom|categor|util|emphas|random|factor|memor';
const BRITISH = new RegExp(
  [
    'can not',
    '\\w*(?:colour|behaviour|neighbour|favour|honour)\\w*',
    `\\w*(?:${STEMS})is(?:e|ed|es|er|ers|ing|ation|ations)(?![a-z])`,
    '(?:centre|grey|licence|catalogue|artefact|judgement|whilst|learnt|defence)(?![a-z])',
    '(?:analyse|labell|cancell|modell)(?:d|s|ed|ing)?(?![a-z])',
  ].join('|'),
  'gi',
);
/** Words of others: the name of an attribute, a word that a test misspells. */
const FOREIGN = /^(?:cancelled|optimiser)$/i;
/** The list of words itself, and texts that are data: another word would be another corpus. */
const EXEMPT = [
  'scripts/documents/spelling.mjs',
  'packages/world/src/',
  'packages/reward/tools/',
  'packages/ranking/src/benchmarks/auto-j.ts',
];
const LEFT_OUT = ['node_modules', 'dist', '__fixtures__', '.turbo', '.git'];

/** The British spellings, as `file:line word`. */
export function britishSpellings() {
  return filesOf(root).flatMap((path) => {
    const name = relative(root, path).replaceAll('\\', '/');
    if (EXEMPT.some((start) => name.startsWith(start))) return [];
    const lines = readFileSync(path, 'utf8').split('\n');
    return lines.flatMap((line, i) =>
      [...line.matchAll(BRITISH)]
        .filter(([word]) => !FOREIGN.test(word))
        .map(([word]) => `${name}:${i + 1} ${word}`),
    );
  });
}

function filesOf(folder) {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory())
      return LEFT_OUT.includes(entry.name) || entry.name === 'runs' ? [] : filesOf(path);
    return /\.(md|ts|mjs|yaml|yml|py)$/.test(entry.name) && entry.name !== 'pnpm-lock.yaml' ? [path] : [];
  });
}
