import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { printPlan } from './dry-run/plan.mjs';
import { printCosts } from './dry-run/print-costs.mjs';
import { requireFiles } from './materials.mjs';
import { openOutput } from './output.mjs';

/**
 * Runs a study as the command line says: `--config NAME` chooses one of its recipes, `--files DIR` says where the models
 * and data of a recipe that reads files are, `--model PATH` that its model is in another place, `--only WORDS` which of its pieces
 * are computed, where a recipe is computed in pieces, `--dry-run` prints what would be done and stops, `--graphs` also builds the
 * graphs of the paper's models and prints what its runs would take. An error that comes with a hint is printed as one line.
 *
 * @param recipes by name; the first one is the default
 * @param url `import.meta.url` of the study; its results go to `runs/NAME` beside it
 * @param phases lists the runs of a recipe, for the dry run
 * @param study does the work, with the recipe and the output of the run
 */
export async function runStudy({ recipes, url, phases, study }) {
  try {
    const { recipe, dryRun, graphs } = chooseRecipe(recipes);
    if (dryRun || graphs) printPlan(recipe, phases);
    if (graphs) printCosts(recipe, phases);
    else if (!dryRun) {
      requireFiles(recipe);
      await study(recipe, await openOutput(recipe, url));
    }
  } catch (error) {
    if (typeof error?.hint !== 'string') throw error;
    console.error(`${error.message}; ${error.hint}`);
    process.exitCode = 1;
  }
}

function chooseRecipe(recipes) {
  const names = Object.keys(recipes);
  const { config, files, model, only, graphs, 'dry-run': dryRun } = readFlags(names);
  const recipe = recipes[config];
  if (recipe === undefined) {
    throw usage(`there is no configuration ${JSON.stringify(config)}`, `use ${names.join(' or ')}`);
  }
  const source = {
    ...recipe.source,
    ...(files !== undefined && { directory: files }),
    ...(model !== undefined && { model: resolve(model) }),
  };
  if (graphs && recipe.machine === undefined) {
    throw usage(`the configuration ${config} is for this machine`, 'use --graphs with --config paper');
  }
  if (only !== undefined && recipe.judges === undefined) {
    const inPieces = names.filter((name) => recipes[name].judges !== undefined);
    const hint =
      inPieces.length > 0 ? `use --only with --config ${inPieces.join(' or ')}` : 'leave out --only';
    throw usage(`the configuration ${config} is computed as a whole`, hint);
  }
  return { recipe: { ...recipe, source, ...(only !== undefined && { only }) }, dryRun, graphs };
}

function readFlags(names) {
  const options = {
    config: { type: 'string', default: names[0] },
    files: { type: 'string' },
    model: { type: 'string' },
    only: { type: 'string', multiple: true },
    'dry-run': { type: 'boolean', default: false },
    graphs: { type: 'boolean', default: false },
  };
  try {
    return parseArgs({ options }).values;
  } catch (cause) {
    throw usage(
      cause.message,
      `use --config ${names.join('|')}, --files DIR, --model PATH, --only WORDS, --dry-run, --graphs`,
    );
  }
}

function usage(message, hint) {
  return Object.assign(new Error(message), { hint });
}
