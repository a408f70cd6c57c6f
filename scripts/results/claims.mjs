import { points } from '../../examples/reward-ranking/report.mjs';
import { ELSEWHERE } from '../../examples/reward-ranking/small/summary.mjs';
import { markdownTable } from './markdown.mjs';
import { realTextParts } from './reward-ranking.mjs';

/**
 * Sets the claims of the paper beside what the studies found: a claim is shown where the interval of our difference is on its
 * side of 0, opposite where it is on the other, and not shown where it holds 0.
 *
 * @param results of the studies, by name: `ranking`, `labeled` and `unlabeled` of real text, `questions`, `rlhf`, `adaptation`;
 *   those that are there
 */
export function claimsSection(results) {
  const rows = claimsOf(results).map(({ claim, paper, ours, found }) => [
    claim,
    paper,
    `${ours}: ${gain(found)}`,
    verdictOf(found),
  ]);
  return markdownTable({
    columns: [{ name: 'claim' }, { name: 'the paper' }, { name: 'ours, in points' }, { name: 'verdict' }],
    rows,
  });
}

function claimsOf({ ranking, questions, rlhf, adaptation, ...realText }) {
  return [
    ...(ranking ? rankingClaims(ranking) : []),
    ...realTextParts(realText).flatMap((part) => realTextClaims(part)),
    ...(ranking && questions ? questionClaims(questions, ranking) : []),
    ...(rlhf ? rlhfClaims(rlhf) : []),
    ...(adaptation ? adaptationClaims(adaptation) : []),
  ];
}

function rankingClaims({ primary, effects, unlabeled }) {
  const { split, seeds, labels } = primary;
  const effect = (first, second) =>
    effects.find(
      (each) => each.split === split && each.labels === labels && each.arms.join() === `${first},${second}`,
    );
  return [
    {
      claim: 'Stage 1 teaches to tell answers apart before there is a label',
      paper: 'no figure found',
      ours: `the likelier answer, ${seeds} seeds`,
      found: unlabeled.find((each) => each.split === split).gain,
    },
    {
      claim: 'Stage 1 helps with few labels out of distribution',
      paper: 'no figure found',
      ours: `a judge by likelihood, ${primary.labels} labels, ${seeds} seeds`,
      found: primary,
    },
    {
      claim: 'GRAM is ahead of a discriminative judge out of distribution',
      paper: '85.1 against 74.1',
      ours: `${labels} labels`,
      found: effect('GRAM', 'discriminative'),
    },
    {
      claim: 'The same, of a judge by likelihood after stage 1',
      paper: 'not asked',
      ours: `${labels} labels`,
      found: effect('by likelihood, stage 1', 'discriminative'),
    },
  ];
}

function realTextClaims({ recipe: { primary: declared }, primary, effects }) {
  const { readout, labels } = declared;
  const before = (starts) =>
    effects.find(
      (each) =>
        each.labels === 0 &&
        each.readout === readout &&
        each.group === ELSEWHERE &&
        each.starts.join() === starts,
    );
  const claims = [
    ['On real text, stage 1 helps with few labels', `by likelihood, ${labels} labels`, primary],
    [
      'On real text, stage 1 teaches a released model before there is a label',
      'the likelier answer',
      before('stage-1,base'),
    ],
    [
      'The same, beside reading the same answers one at a time',
      'the likelier answer',
      before('stage-1,control'),
    ],
  ];
  return claims
    .filter(([, , found]) => found !== undefined)
    .map(([claim, ours, found]) => ({
      claim,
      paper: 'no figure found',
      ours: `SmolLM2-135M, ${ours}`,
      found,
    }));
}

function questionClaims(
  {
    recipe: {
      data: { labels },
    },
    questions,
  },
  { primary: { split } },
) {
  const gainOf = (question, name, where = split) => {
    const { settings } = questions.find((each) => each.name === question);
    return settings.find((each) => each.name === name)[where].gain;
  };
  return [
    {
      claim: 'GRAM is ahead of a generative judge in distribution',
      paper: '70.4 against 66.8',
      ours: `${labels} labels`,
      found: gainOf('judges', 'GRAM', 'in-distribution'),
    },
    {
      claim: 'GRAM is ahead of a generative judge out of distribution',
      paper: '85.1 against 80.0',
      ours: `${labels} labels`,
      found: gainOf('judges', 'GRAM'),
    },
    {
      claim: 'Stage 1 alone helps a judge that answers A or B',
      paper: 'no figure found',
      ours: `${labels} labels`,
      found: gainOf('judges', 'generative, stage 1'),
    },
    {
      claim: 'More unlabeled text helps more',
      paper: '80, 85, 87 and 88 with 0, 200k, 400k and 600k pairs',
      ours: 'by likelihood, 32,000 pairs against none',
      found: gainOf('unlabeled', '32,000 pairs'),
    },
    {
      claim: 'Label smoothing helps',
      paper: 'no figure found',
      ours: '0.1 against 0',
      found: gainOf('smoothing', '0.1'),
    },
  ];
}

function rlhfClaims({ primary: [ppo, bestOfN], differences }) {
  const paper = 'a figure without numbers';
  const generative = (of, n) =>
    differences.find((each) => each.of === of && each.n === n && each.arms.join() === 'GRAM,discriminative');
  return [
    {
      claim: 'GRAM chooses better of many samples than a discriminative judge',
      paper,
      ours: bestOfN.of,
      found: generative('best of n', bestOfN.n),
    },
    {
      claim: 'The same, of a judge by likelihood after stage 1',
      paper: 'not asked',
      ours: bestOfN.of,
      found: bestOfN,
    },
    {
      claim: 'GRAM leads PPO to a better policy than a discriminative judge',
      paper,
      ours: 'the selected policies',
      found: generative('PPO'),
    },
    {
      claim: 'The same, of a judge by likelihood after stage 1',
      paper: 'not asked',
      ours: 'the selected policies',
      found: ppo,
    },
  ];
}

function adaptationClaims({ recipe: { tasks, unit }, primary, effects }) {
  const ours = `by likelihood, ${primary.units * unit} labels`;
  const ofTask = (task) =>
    effects.find(
      (each) => each.task === task && each.units === primary.units && each.arms[0] === 'stage 1 on the task',
    );
  return [
    {
      claim: 'Stage 1 helps a judge that adapts to a task with few labels',
      paper: '75.6 with 3,000 labels, 77.8 with all',
      ours,
      found: primary,
    },
    ...tasks.map((task) => ({
      claim: `Stage 1 on the unlabeled pairs of the task helps: ${task}`,
      paper: '74.7 against 67.4',
      ours,
      found: ofTask(task),
    })),
  ];
}

function gain({ mean, interval }) {
  const signed = `${mean < 0 ? '' : '+'}${points(mean)}`;
  return interval === undefined ? signed : `${signed} (${points(interval[0])} to ${points(interval[1])})`;
}

function verdictOf({ interval }) {
  if (interval === undefined) return 'one seed';
  if (interval[0] > 0) return 'shown';
  return interval[1] < 0 ? 'opposite' : 'not shown';
}
