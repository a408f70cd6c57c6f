#!/usr/bin/env node
// Writes the figures of the studies into the READMEs, from the results that examples/*/results hold:
//
//   node scripts/results.mjs            writes what stands between the two comments of each block
//   node scripts/results.mjs --check    fails if that is not what it would write
//
// A block is named where results are not there: what needs them is left out, or the block is left as it is.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './commands.mjs';
import { claimsSection } from './results/claims.mjs';
import { questionsSection, rankingSection, realTextSection } from './results/reward-ranking.mjs';
import { rlhfSection } from './results/rlhf.mjs';
import { adaptationSection } from './results/task-adaptation.mjs';

const laptop = {
  ranking: 'reward-ranking/laptop',
  rlhf: 'rlhf/laptop',
  adaptation: 'task-adaptation/laptop',
};

/** The study on real text was computed in two parts, each on a machine of its own. */
const realText = {
  labeled: 'reward-ranking/short',
  unlabeled: 'reward-ranking/short-unlabeled',
};

/** Where figures stand: a README, the name of its block, the results that the block is made of, and what makes it. */
const BLOCKS = [
  ['README.md', 'claims', { ...laptop, questions: 'reward-ranking/questions', ...realText }, claimsSection],
  ['examples/reward-ranking/README.md', 'results', laptop.ranking, rankingSection],
  ['examples/reward-ranking/README.md', 'questions', 'reward-ranking/questions', questionsSection],
  ['examples/reward-ranking/README.md', 'real text', realText, realTextSection],
  ['examples/reward-ranking/README.md', 'search', 'reward-ranking/search', questionsSection],
  ['examples/rlhf/README.md', 'results', laptop.rlhf, rlhfSection],
  ['examples/task-adaptation/README.md', 'results', laptop.adaptation, adaptationSection],
];

for (const [readme, name, wanted, sectionOf] of BLOCKS) {
  const needed = typeof wanted === 'string' ? [wanted] : Object.values(wanted);
  const missing = needed.filter(isMissing);
  if (missing.length > 0) {
    console.log(
      `${readme}: ${name} needs the results of ${missing.join(', ')}; npm run study:full makes them`,
    );
  }
  if (missing.length < needed.length) write(join(root, readme), name, sectionOf(read(wanted)));
}

function isMissing(name) {
  return !existsSync(fileOf(name));
}

/** Reads the results of a study, or those that are there of several by name. */
function read(wanted) {
  if (typeof wanted === 'string') return JSON.parse(readFileSync(fileOf(wanted), 'utf8'));
  const present = Object.entries(wanted).filter(([, name]) => !isMissing(name));
  return Object.fromEntries(present.map(([key, name]) => [key, read(name)]));
}

function fileOf(name) {
  const [study, recipe] = name.split('/');
  return join(root, 'examples', study, 'results', `${recipe}.json`);
}

function write(path, name, section) {
  const text = readFileSync(path, 'utf8');
  const block = new RegExp(`(<!-- ${name} -->\n)[\\s\\S]*?(\n<!-- end of ${name} -->)`);
  if (!block.test(text)) throw new Error(`${path} has no place for ${name}`);
  const written = text.replace(block, (_, before, after) => `${before}\n${section}\n${after}`);
  if (!process.argv.includes('--check')) writeFileSync(path, written);
  else if (written !== text) {
    console.log(`${path} has other figures than the results; run node scripts/results.mjs`);
    process.exitCode = 1;
  }
}
