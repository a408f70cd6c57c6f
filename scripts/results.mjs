#!/usr/bin/env node
// Writes the figures of the studies into their READMEs, from the results that examples/*/results hold:
//
//   node scripts/results.mjs            writes what stands between the two comments of each README
//   node scripts/results.mjs --check    fails if that is not what it would write
//
// A study whose results are not there is named and left as it is.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './commands.mjs';
import { rlhfSection } from './results/rlhf.mjs';
import { adaptationSection } from './results/task-adaptation.mjs';

const SECTIONS = { rlhf: rlhfSection, 'task-adaptation': adaptationSection };
const BLOCK = /(<!-- results -->\n)[\s\S]*?(\n<!-- end of results -->)/;

for (const [study, sectionOf] of Object.entries(SECTIONS)) {
  const results = join(root, 'examples', study, 'results', 'laptop.json');
  if (!existsSync(results)) {
    console.log(`examples/${study} has no results/laptop.json; npm run study:full makes it`);
    continue;
  }
  const path = join(root, 'examples', study, 'README.md');
  const text = readFileSync(path, 'utf8');
  if (!BLOCK.test(text)) throw new Error(`${path} has no place for results`);
  const section = sectionOf(JSON.parse(readFileSync(results, 'utf8')));
  const written = text.replace(BLOCK, (_, before, after) => `${before}\n${section}\n${after}`);
  if (!process.argv.includes('--check')) writeFileSync(path, written);
  else if (written !== text) {
    console.log(
      `examples/${study}/README.md has other figures than the results; run node scripts/results.mjs`,
    );
    process.exitCode = 1;
  }
}
