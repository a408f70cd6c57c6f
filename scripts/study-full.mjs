#!/usr/bin/env node
// Reproduces every figure of the READMEs: runs each committed configuration of each study, keeps its summary in
// examples/*/results, and writes plots and tables from those. Stages that were computed before are not computed again, so a
// run that was stopped goes on where it was.
//
//   npm run study:full [-- --files DIR]    where the models and data are that some configurations read
import { copyFileSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { missingFiles } from '../examples/common/materials.mjs';
import { root, run } from './commands.mjs';

/** Configurations whose figures are in no document: one only shows that a study runs, the other takes machines of its own. */
const WITHOUT_FIGURES = ['tiny', 'paper'];

const { files } = parseArgs({ options: { files: { type: 'string' } } }).values;
const flags = files === undefined ? [] : ['--files', files];

for (const study of ['reward-ranking', 'rlhf', 'task-adaptation']) {
  const folder = join(root, 'examples', study);
  for (const name of configurationsOf(folder)) await reproduce(folder, study, name);
}
for (const script of ['plot.mjs', 'results.mjs'])
  await succeed([process.execPath, join(root, 'scripts', script)]);

function configurationsOf(folder) {
  return readdirSync(join(folder, 'recipes'))
    .map((file) => file.replace(/\.mjs$/, ''))
    .filter((name) => !WITHOUT_FIGURES.includes(name));
}

async function reproduce(folder, study, name) {
  const recipes = await import(pathToFileURL(join(folder, 'recipes', `${name}.mjs`)).href);
  const [recipe] = Object.values(recipes);
  const missing = missingFiles(
    files === undefined ? recipe : { ...recipe, source: { ...recipe.source, directory: files } },
  );
  if (missing.length > 0) {
    console.log(`\n${study}, ${name}: left out, because these are missing: ${missing.join(', ')}`);
    return;
  }
  console.log(`\n${study}, ${name}`);
  await succeed([process.execPath, join(folder, 'main.mjs'), '--config', name, ...flags]);
  mkdirSync(join(folder, 'results'), { recursive: true });
  copyFileSync(join(folder, 'runs', name, 'summary.json'), join(folder, 'results', `${name}.json`));
}

async function succeed(command) {
  const { code } = await run(command, { show: true });
  if (code !== 0) process.exit(code);
}
