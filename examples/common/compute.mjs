import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runGrid } from './grid/run-grid.mjs';
import { requireFiles } from './materials.mjs';

const COMMON = new URL('stages.mjs', import.meta.url).href;

/** The studies keep their stages in one place, so that those that two studies have in common are computed once. */
const STAGES = fileURLToPath(new URL('../runs/stages', import.meta.url));

/**
 * Computes the stages of a study that were not computed before.
 *
 * @param module URL of the module with the functions of the stages. @default those that the studies share
 * @returns a function that gives the result of a stage
 */
export async function compute(recipe, targets, label, module = COMMON) {
  requireFiles(recipe);
  const { resultOf, foreign } = await runGrid({ module, targets, directory: STAGES, label });
  if (foreign > 0) {
    console.log(`${foreign} stages were computed by another build and were not computed again.`);
  }
  return resultOf;
}

/** Reads the kept result of a stage and the time that it took; undefined where it was not computed. */
export function savedOf(stage) {
  const path = join(directoryOf(stage), 'result.json');
  return existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')) : undefined;
}

/** The directory of a computed stage. */
export function directoryOf({ id }) {
  return join(STAGES, id);
}
