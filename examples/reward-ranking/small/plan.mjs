import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { sha256OfParts } from '@gram/base';
import { stage } from '@gram-examples/common/grid/stage';
import { trainingPhase } from '@gram-examples/common/judges';
import { HELD_OUT } from './texts.mjs';

/** The ways in which a model says which response is better: by the label A or B, by the likelihood of each response, or by a score of each. */
export const READOUTS = ['likelihood', 'generative', 'discriminative'];

/** The text that a model reads before the labels, by its name in a recipe. */
const FORMS = { 'stage-1': 'pairs', control: 'single' };

/** The tests of a recipe by name, that in distribution first. */
export function testsOf({ source }) {
  return [HELD_OUT, ...Object.keys(source.tests)];
}

/**
 * Lists what a recipe computes: for each number of labels, start, readout and seed a judge and its verdicts on each test. Models
 * that begin alike share their first stages. Without labels there is nothing to draw, and a score head has learned nothing.
 *
 * @returns cells, each with the `tests` that are to be computed, by name
 */
export function planOf(recipe) {
  const roots = rootsOf(recipe);
  return recipe.judges.flatMap(({ labels, starts, seeds }) =>
    starts.flatMap((start) =>
      READOUTS.filter((readout) => labels !== 0 || readout !== 'discriminative').flatMap((readout) =>
        recipe.starts[start].flatMap((reader) =>
          seeds.map((seed) => cellOf(recipe, roots, { labels, start, readout, reader, seed })),
        ),
      ),
    ),
  );
}

function cellOf(recipe, roots, cell) {
  const { labels, start, readout, reader, seed } = cell;
  const { judgePrompt, maxLength, overlong, lora } = recipe;
  const settings = { judgePrompt, maxLength, overlong, lora };
  const form = FORMS[start];
  const needs = {
    ...roots,
    ...(form && {
      start: stage(
        'reading',
        { recipe: settings, seed: reader, form, training: recipe.reading },
        { ...roots },
      ),
    }),
  };
  const judge =
    labels === 0
      ? undefined
      : stage(
          'judge',
          { recipe: settings, seed, readout, labels, training: trainingOf(recipe, readout, labels) },
          needs,
        );
  const tests = Object.fromEntries(
    testsOf(recipe).map((test) => [
      test,
      stage('verdicts', { recipe: settings, readout, test }, { ...needs, ...(judge && { judge }) }),
    ]),
  );
  return { ...cell, judge, tests };
}

/** The stages that all others need. Files that change are other inputs, wherever they lie. */
function rootsOf({ source: { model, ...source }, texts }) {
  const files = { ...source, directory: resolve(source.directory) };
  const path = resolve(source.directory, model);
  const places = ['unlabeled', 'labeled', 'tests', 'excluded'].flatMap((what) => pathsIn(files[what]));
  const digests = places.map((place) => digestOf(resolve(source.directory, place)));
  return {
    texts: stage('texts', { source: files, texts, digests }),
    base: stage('pretrained', { path, digest: digestOf(path) }),
  };
}

function pathsIn(files) {
  return typeof files.path === 'string' ? [files.path] : Object.values(files).flatMap(pathsIn);
}

/** The hash of a file, or of all files of a directory. */
function digestOf(path) {
  const names = statSync(path).isDirectory() ? readdirSync(path).sort() : [''];
  return sha256OfParts(names.flatMap((name) => [name, readFileSync(join(path, name))]));
}

function trainingOf({ judging }, readout, labels) {
  const { epochs, ...training } = judging[readout];
  return { ...training, epochs: epochs[labels] };
}

/** The words that name the verdicts of a cell on a test, for `--only`. */
export function wordsOf({ start, readout, labels, seed, reader }, test) {
  return [
    ...[start, readout, `${labels}`, test],
    ...(seed === 0 ? [] : [`seed-${seed}`]),
    ...(reader === 0 ? [] : [`reader-${reader}`]),
  ];
}

/**
 * Chooses the pieces of a plan that are computed now.
 *
 * @param only lists of words, `stage-1,likelihood,300` for instance: a piece has all words of one of them. @default all pieces
 * @returns the stages
 * @throws an error with a hint where no piece has the words of a list
 */
export function choose(cells, only = ['']) {
  const pieces = cells.flatMap((cell) =>
    Object.entries(cell.tests).map(([test, target]) => ({ words: wordsOf(cell, test), target })),
  );
  const chosen = only.map((list) => {
    const wanted = list.split(',').filter((word) => word !== '');
    const found = pieces.filter(({ words }) => wanted.every((word) => words.includes(word)));
    if (found.length > 0) return found;
    const known = [...new Set(pieces.flatMap(({ words }) => words))].join(', ');
    throw Object.assign(new Error(`no piece is called ${JSON.stringify(list)}`), {
      hint: `join words of these with commas: ${known}`,
    });
  });
  return [...new Set(chosen.flat().map(({ target }) => target))];
}

/** Lists the runs of a recipe with the hours of one thread that each takes, for a dry run. */
export function phases(recipe) {
  const { expected, starts, judges, reading } = recipe;
  const { tokens, testTokens } = expected;
  const hours = (count, rate) => (count / expected.perSecond[rate] / 3600).toFixed(1);
  const readings = Object.entries(FORMS).map(([start, form]) => {
    const examples = form === 'pairs' ? expected.pool : 2 * expected.pool;
    const each = hours(tokens[form] * examples, form);
    return {
      ...trainingPhase(start, form, examples, reading),
      note: `${starts[start].length} of them, ${each} h each`,
    };
  });
  const trained = judges
    .filter(({ labels }) => labels !== 0)
    .flatMap(({ labels, starts: names, seeds }) =>
      READOUTS.map((readout) => {
        const training = trainingOf(recipe, readout, labels);
        const examples = labels === 'all' ? expected.labels : labels;
        const runs = names.flatMap((name) => recipe.starts[name]).length * seeds.length;
        const each = hours(tokens[readout] * examples * training.epochs, readout);
        return {
          ...trainingPhase(`${readout}, ${labels} labels`, readout, examples, training),
          note: `${runs} of them, ${each} h each and ${hours(testTokens[readout], 'tests')} h for the tests`,
        };
      }),
    );
  return [...readings, ...trained];
}
