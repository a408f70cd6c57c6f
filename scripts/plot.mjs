#!/usr/bin/env node
// Draws the plot of README.md from the results of a run that examples/reward-ranking/results/laptop.json holds:
//
//   node scripts/plot.mjs            writes examples/reward-ranking/accuracy.svg
//   node scripts/plot.mjs --check    fails if that is not what it would write
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { labelChart } from '../examples/reward-ranking/report.mjs';
import { root } from './commands.mjs';

const folder = join(root, 'examples', 'reward-ranking');
const path = join(folder, 'accuracy.svg');

const { recipe, points, unlabeled, words } = JSON.parse(
  readFileSync(join(folder, 'results', 'laptop.json'), 'utf8'),
);
const find = (arm, labels, split) =>
  points.find((point) => point.arm === arm && point.labels === labels && point.split === split);
const svg = labelChart({ find, unlabeled, words }, recipe, 'out-of-distribution');

if (!process.argv.includes('--check')) writeFileSync(path, `${svg}\n`);
else if (!existsSync(path) || readFileSync(path, 'utf8') !== `${svg}\n`) {
  console.log(
    'examples/reward-ranking/accuracy.svg is not the plot of the results; run node scripts/plot.mjs',
  );
  process.exitCode = 1;
}
