import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { parameterCount, SCRATCH_FAMILY } from '@gram/model';
import { textTable } from '@gram/report';
import { totalSteps } from '@gram/train';
import { filesOf } from '../materials.mjs';

/** Bytes of a parameter in training: weight, gradient and two moments, float32. */
const TRAINING_BYTES = 16;

/** Prints what a recipe would do: its runs with their steps, every value and where it comes from, and its files. */
export function printPlan(recipe, phases) {
  const table = (columns, rows) =>
    console.log(`\n${textTable({ columns: columns.map((name) => ({ name })), rows })}`);
  console.log(`Configuration ${recipe.name}: nothing is computed or written.`);
  table(['run', 'examples', 'steps', 'note'], phases(recipe).map(row));
  const { name, source, known = {}, ...settings } = recipe;
  table(
    ['value', 'setting', 'from'],
    leaves(settings).map(([path, value]) => [path, value, known[path] ?? 'our choice']),
  );
  const parameters = parameterCount({
    vocabSize: recipe.tokenizer?.vocabSize,
    ...recipe.model,
    architecture: `${SCRATCH_FAMILY}ForCausalLM`,
  });
  const gibibytes = (parameters * TRAINING_BYTES) / 2 ** 30;
  console.log(
    `\nModel: ${parameters.toLocaleString('en-US')} parameters; ${gibibytes.toFixed(gibibytes < 1 ? 3 : 0)} GiB for the weights, gradients and moments of each model in training, without activations.`,
  );
  const files = filesOf(recipe).map(([what, path]) => {
    const full = resolve(source.directory, path);
    return [what, full, existsSync(full) ? 'there' : 'missing'];
  });
  if (files.length > 0) table(['needed', 'path', 'state'], files);
}

function row({ label, examples, options, steps, note = '' }) {
  const planned = steps ?? totalSteps({ ...options, examples, epochs: options.epochs ?? 1, seed: 0 });
  return [label, examples.toLocaleString('en-US'), planned.toLocaleString('en-US'), note];
}

/** Lists the path and value of each setting. */
function leaves(value, prefix = '') {
  return Object.entries(value).flatMap(([key, inner]) =>
    typeof inner === 'object' && inner !== null && !Array.isArray(inner)
      ? leaves(inner, `${prefix}${key}.`)
      : [[`${prefix}${key}`, Array.isArray(inner) ? inner.join(', ') : String(inner)]],
  );
}
