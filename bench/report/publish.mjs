import { mkdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { writeFileAtomic } from '@gram/base';
import { findingsOf, findingsText } from './findings.mjs';

/** Folder of what benchmarks found, which git ignores. */
export const resultsFolder = fileURLToPath(new URL('../results/', import.meta.url));

/**
 * Prints the findings of a benchmark and keeps them in `bench/results`, where `npm run bench` makes a page of them.
 *
 * @param measured as for `findingsOf`, with `name` of the file, `title`, `about` in sentences, and `machine`
 */
export async function publish(measured) {
  const findings = { ...findingsOf(measured), date: new Date().toISOString().slice(0, 10) };
  console.log(`\n${findingsText(findings)}`);
  mkdirSync(resultsFolder, { recursive: true });
  await writeFileAtomic(`${resultsFolder}${findings.name}.json`, `${JSON.stringify(findings, null, 2)}\n`);
}
