import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runGrid } from './grid/run-grid.mjs';
import { requireFiles } from './materials.mjs';

/** The studies keep their stages in one place, so that those that two studies have in common are computed once. */
const STAGES = fileURLToPath(new URL('../runs/stages', import.meta.url));

/**
 * Computes the stages of a study that were not computed before.
 *
 * @returns a function that gives the result of a stage
 */
export async function compute(recipe, targets, label) {
  requireFiles(recipe);
  const module = new URL('stages.mjs', import.meta.url).href;
  const { resultOf, foreign } = await runGrid({ module, targets, directory: STAGES, label });
  if (foreign > 0) {
    console.log(`${foreign} stages were computed by another build and were not computed again.`);
  }
  return resultOf;
}

/** The directory of a computed stage. */
export function directoryOf({ id }) {
  return join(STAGES, id);
}
