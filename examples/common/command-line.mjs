import { parseArgs } from 'node:util';
import { openOutput } from './output.mjs';
import { printPlan } from './plan.mjs';

/**
 * Runs a study as the command line says: `--config NAME` chooses one of its recipes, `--files DIR` says where the models
 * and data of a recipe that reads files are, `--dry-run` prints what would be done and stops. An error that comes with a
 * hint is printed as one line.
 *
 * @param recipes by name; the first one is the default
 * @param url `import.meta.url` of the study; its results go to `runs/NAME` beside it
 * @param phases lists the runs of a recipe, for the dry run
 * @param study does the work, with the recipe and the output of the run
 */
export async function runStudy({ recipes, url, phases, study }) {
  try {
    const { recipe, dryRun } = chooseRecipe(recipes);
    if (dryRun) printPlan(recipe, phases);
    else await study(recipe, await openOutput(recipe, url));
  } catch (error) {
    if (typeof error?.hint !== 'string') throw error;
    console.error(`${error.message}; ${error.hint}`);
    process.exitCode = 1;
  }
}

function chooseRecipe(recipes) {
  const names = Object.keys(recipes);
  const { config, files, 'dry-run': dryRun } = readFlags(names);
  const recipe = recipes[config];
  if (recipe === undefined) {
    throw usage(`there is no configuration ${JSON.stringify(config)}`, `use ${names.join(' or ')}`);
  }
  const moved = files === undefined ? recipe : { ...recipe, source: { ...recipe.source, directory: files } };
  return { recipe: moved, dryRun };
}

function readFlags(names) {
  const options = {
    config: { type: 'string', default: names[0] },
    files: { type: 'string' },
    'dry-run': { type: 'boolean', default: false },
  };
  try {
    return parseArgs({ options }).values;
  } catch (cause) {
    throw usage(cause.message, `use --config ${names.join('|')}, --files DIR, --dry-run`);
  }
}

function usage(message, hint) {
  return Object.assign(new Error(message), { hint });
}
