#!/usr/bin/env node
// Draws the plot of README.md from the figures that examples/reward-ranking/README.md records of a run:
//
//   node scripts/plot.mjs            writes examples/reward-ranking/accuracy.svg
//   node scripts/plot.mjs --check    fails if that is not what it would write
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { barChart } from '@gram/report';
import { root } from './commands.mjs';

const folder = join(root, 'examples', 'reward-ranking');
const path = join(folder, 'accuracy.svg');

const rows = [...readFileSync(join(folder, 'README.md'), 'utf8').matchAll(/^\| (.+?) \|$/gm)]
  .map(([, cells]) => cells.split('|').map((cell) => cell.trim()))
  .filter(([, cell]) => /^\d+\.\d %/.test(cell ?? ''));
const models = rows.filter(([, cell]) => cell.includes('('));
const oracle = rows.find(([name]) => name.startsWith('oracle'));

const svg = barChart({
  title: 'Pair accuracy, with 95 % intervals',
  yLabel: 'accuracy',
  yMax: 1,
  groups: ['in distribution', 'out of distribution'].map((name, column) => ({
    name,
    bars: models.map(([model, ...cells]) => {
      const [value, low, high] = shares(cells[column]);
      return { name: model, value, low, high };
    }),
    lines: [{ name: 'oracle', value: shares(oracle[column + 1])[0] }],
  })),
  lines: [{ name: 'chance', value: 0.5 }],
});

if (!process.argv.includes('--check')) writeFileSync(path, `${svg}\n`);
else if (!existsSync(path) || readFileSync(path, 'utf8') !== `${svg}\n`) {
  console.log(
    'examples/reward-ranking/accuracy.svg is not the plot of the figures; run node scripts/plot.mjs',
  );
  process.exitCode = 1;
}

/** The percentages of a cell, as shares. */
function shares(cell) {
  return (cell.match(/\d+\.\d/g) ?? []).map((number) => Number(number) / 100);
}
