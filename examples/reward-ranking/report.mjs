import { formatPercent as percent } from '@gram/base';
import { lineChart, page } from '@gram/report';
import { INTERVALS, verdict } from '@gram-examples/common/estimates';
import { armsOf } from '@gram-examples/common/judges';
import { WORLD_NOTE } from '@gram-examples/common/output';
import { SPLITS } from './study.mjs';

/** Accuracies that the paper reports with 400,000 labels and Llama 3.1 8B (its Table 1, as reported by readers of the full text). */
const PAPER = {
  columns: ['Unified-Feedback (in distribution)', 'RewardBench', 'HHH-Alignment'],
  rows: [
    ['discriminative', 69.3, 74.1, 76.0],
    ['generative', 66.8, 80.0, 80.3],
    ['GRAM', 70.4, 85.1, 85.4],
  ],
};

/** A share in percentage points. */
export const points = (value) => (100 * value).toFixed(1);

/** A difference in percentage points with its interval. */
export function difference({ mean, interval }) {
  const gain = `${mean < 0 ? '' : '+'}${points(mean)} points`;
  if (interval === undefined) return `${gain} (one seed, no interval)`;
  return `${gain} (95 % interval ${points(interval[0])} to ${points(interval[1])})`;
}

function accuracyCell({ mean, interval }) {
  if (interval === undefined) return percent(mean);
  return `${percent(mean)} (${points(interval[0])} - ${points(interval[1])})`;
}

/** Puts the accuracies of a split into a table, for the terminal and for the page. */
export function accuracyTable({ find, words }, recipe, split) {
  const { arms, data, seeds } = recipe;
  const oracle = find(arms[0], data.labeled[0], split).oracle;
  const row = (name, cellOf) => [name, ...data.labeled.map(cellOf)];
  return {
    columns: [
      { name: split.replaceAll('-', ' ') },
      ...data.labeled.map((labels) => ({ name: `${labels} labels`, align: 'right' })),
    ],
    rows: [
      ...arms.map((name) => row(name, (labels) => accuracyCell(find(name, labels, split)))),
      ...(words.length === 0
        ? []
        : [row('counting words', (labels) => accuracyCell(at(words, labels, split)))]),
      ...(oracle === undefined ? [] : [row('oracle (ceiling)', () => percent(oracle))]),
    ],
    caption: `Accuracy on ${data.test} pairs, over ${seeds.length} ${seeds.length === 1 ? 'seed' : 'seeds'}. ${INTERVALS}`,
  };
}

function at(list, labels, split) {
  return list.find((each) => each.labels === labels && each.split === split);
}

/** Lists what stage 1, label smoothing and the kind of judge change, at each number of labels. */
export function effectTable({ effects }, split) {
  return {
    columns: [
      { name: split.replaceAll('-', ' ') },
      { name: 'labels', align: 'right' },
      { name: 'difference', align: 'right' },
    ],
    rows: effects
      .filter((effect) => effect.split === split)
      .map((effect) => [effect.arms.join(' minus '), effect.labels, difference(effect)]),
  };
}

/** Says what the comparison that was declared beforehand found. */
export function primarySentence({ primary: { arms, labels, split, seeds, ...found } }) {
  return `Declared beforehand: with ${labels} labels and ${seeds} seeds, ${split.replaceAll('-', ' ')}, ${arms.join(' minus ')} is ${difference(found)}. ${verdict(found, arms)}`;
}

/** Says what stage 1 teaches before there is a label: how many pairs the likelier response decides. */
export function unlabeledSentence({ unlabeled }) {
  const { seeds, before, after, gain } = unlabeled.find(({ split }) => split === 'out-of-distribution');
  return `Without a label, by which response the model finds likelier, it decides ${percent(before.mean)} of the pairs out of distribution as they are labeled before stage 1 and ${percent(after.mean)} after it: ${difference(gain)} over ${seeds} seeds.`;
}

function familyTable({ find }, { arms, data }) {
  const labels = data.labeled.at(-1);
  const split = 'out-of-distribution';
  const families = Object.keys(find(arms[0], labels, split).families);
  return {
    columns: [{ name: 'family' }, ...arms.map((name) => ({ name, align: 'right' }))],
    rows: families.map((family) => [
      family,
      ...arms.map((name) => percent(find(name, labels, split).families[family])),
    ]),
    caption: `Out of distribution with ${labels} labels, by family.`,
  };
}

/** Draws accuracy over the number of labels: how many does each judge need? */
export function labelChart({ find, unlabeled, words }, recipe, split) {
  const { data, primary } = recipe;
  const hasBand = (name) => primary === undefined || primary.arms.includes(name);
  const { before, after } = unlabeled.find((each) => each.split === split);
  // A judge by likelihood judges before it has read a label.
  const startOf = ({ kind, isFoundation }) =>
    kind === 'likelihood' ? [{ labels: 0, ...(isFoundation ? after : before) }] : [];
  return lineChart({
    title: `Accuracy ${split.replaceAll('-', ' ')}`,
    xLabel: 'labeled pairs',
    yLabel: 'accuracy',
    series: [
      ...armsOf(recipe)
        .filter(({ options }) => options !== 'vanilla')
        .map((arm) => {
          const { name } = arm;
          const own = [...startOf(arm), ...data.labeled.map((labels) => find(name, labels, split))];
          return {
            name,
            marks: true,
            points: own.map(({ labels, mean }) => [labels, mean]),
            band: own.flatMap(({ labels, interval }) =>
              interval && hasBand(name) ? [[labels, ...interval]] : [],
            ),
          };
        }),
      ...(words.length === 0
        ? []
        : [
            {
              name: 'counting words',
              points: data.labeled.map((labels) => [labels, at(words, labels, split).mean]),
            },
          ]),
    ],
  });
}

/** Makes the whole page. */
export function reportPage({ recipe, summary, losses, rankings, seconds }) {
  const { data, seeds } = recipe;
  const isWorld = recipe.source.kind === 'world';
  return page({
    title: isWorld ? 'Reward ranking in the synthetic world' : 'Reward ranking',
    subtitle: `${seeds.length} seeds, ${data.unlabeled} unlabeled pairs, ${Math.round(seconds)} s`,
    sections: [
      {
        heading: 'Does learning to write pairs help a judge with few labels on tasks that it never saw?',
        paragraphs: [
          primarySentence(summary),
          unlabeledSentence(summary),
          'Every arm starts from the same model, which has read plain text. Stage 1 then reads pairs of responses of all families without labels; labels are of the training families only.',
          'GRAM answers with the label A or B, a discriminative judge with a score of its own, and a judge by likelihood with the mean log-probability of a response per token, which labels sharpen (simple preference optimization).',
          ...(isWorld ? [WORLD_NOTE] : []),
          INTERVALS,
        ],
        figures: SPLITS.toReversed().map((split) => ({
          svg: labelChart(summary, recipe, split),
          caption: 'Areas are 95 % intervals of the two arms that are compared first.',
        })),
        tables: SPLITS.map((split) => accuracyTable(summary, recipe, split)),
      },
      {
        heading: 'What stage 1, smoothing and the kind of judge change',
        tables: [...SPLITS.map((split) => effectTable(summary, split)), familyTable(summary, recipe)],
      },
      {
        heading: 'What the paper found',
        paragraphs: [
          'With 400,000 labels and a model of 8 billion parameters, in per cent. Sizes, text and labels differ from ours: compare the order of the judges, not the numbers.',
        ],
        tables: [
          {
            columns: [{ name: 'the paper' }, ...PAPER.columns.map((name) => ({ name, align: 'right' }))],
            rows: PAPER.rows,
          },
        ],
      },
      {
        heading: 'Training',
        figures: losses.map(({ title, yLabel, series }) => ({
          svg: lineChart({ title, xLabel: 'step', yLabel, series, smooth: 0.9 }),
        })),
      },
      ...rankedSection(rankings),
    ],
  });
}

/** The lists that the judge by likelihood ranked; none where the oracle is not known. */
function rankedSection(rankings) {
  if (rankings.length === 0) return [];
  const cards = rankings.map(({ family, prompt, responses }) => ({
    title: family,
    prompt,
    responses: responses.map(({ text, score, reward }) => ({
      text,
      score,
      remark: `oracle reward ${reward.toFixed(2)}`,
    })),
  }));
  const note =
    'Scores are mean log-probabilities per token in nats, of the judge by likelihood after stage 1 and with all labels.';
  return [{ heading: 'Ranked responses', paragraphs: [note], cards }];
}
