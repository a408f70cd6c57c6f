import { lineChart, page } from '@gram/report';
import { INTERVALS, verdict, withInterval } from '@gram-examples/common/estimates';
import { WORLD_NOTE } from '@gram-examples/common/output';

const three = (value) => value.toFixed(3);
const signed = (value) => `${value < 0 ? '' : '+'}${three(value)}`;
const right = (name) => ({ name, align: 'right' });

/** The paper's findings as far as they are known, in words of ours. Its curves of PPO could not be found. */
const PAPER =
  'In the paper, with models of 8 billion parameters, the proxy of discriminative judges still rises beyond a KL of about 3 while the oracle falls, and GRAM is best on both. Figures of its PPO curves could not be found.';

/** The rewards that the judges give. */
const JUDGES =
  'GRAM answers with the label A or B, a discriminative judge with a score of its own, and a judge by likelihood with the mean log-probability of a response per token. GRAM and the judge by likelihood have had stage 1.';

/** Puts the policies into a table. */
export function policyTable({ start, policies }) {
  return {
    columns: [
      { name: 'policy' },
      right('oracle reward'),
      right('gain'),
      right('wins against the start'),
      right('KL'),
      right('selected after'),
      right('oracle, from its best step to the last'),
    ],
    rows: [
      ['supervised fine-tuning', withInterval(start, three), '', '', '0', '', ''],
      ...policies.map(({ arm, oracle, gain, winRate, kl, steps, fall }) => [
        `PPO, ${arm}`,
        three(oracle.mean),
        withInterval(gain, signed),
        withInterval(winRate, (value) => `${(100 * value).toFixed(1)} %`),
        kl.toFixed(2),
        `${steps.join(', ')} steps`,
        withInterval(fall, signed),
      ]),
    ],
    caption: `The policy of each run that its own judge liked best on validation prompts. KL to the start in nats a response. ${INTERVALS}`,
  };
}

/** Puts best-of-n into a table. */
export function bestOfNTable({ bestOfN }) {
  return {
    columns: [
      right('n'),
      right('KL'),
      ...bestOfN.flatMap(({ arm }) => [right(`oracle, ${arm}`), right(`proxy, ${arm}`)]),
    ],
    rows: bestOfN[0].points.map(({ n, kl }, size) => [
      n,
      kl.toFixed(2),
      ...bestOfN.flatMap(({ points }) => [
        withInterval(points[size].oracle, three),
        three(points[size].proxy.mean),
      ]),
    ]),
    caption:
      'Best of n samples of the policy after supervised fine-tuning, by each judge. The proxy is the probability to beat the greedy response; the KL is log n - (n - 1) / n.',
  };
}

/** Puts the differences of the judges into a table. */
export function differenceTable({ differences }) {
  return {
    columns: [{ name: 'oracle reward' }, { name: 'difference' }, right('estimate')],
    rows: differences.map(({ of, n, arms, ...found }) => [
      n === undefined ? of : `best of ${n}`,
      arms.join(' minus '),
      withInterval(found, signed),
    ]),
  };
}

/** Says what the comparisons found that were declared beforehand. */
export function primarySentences({ primary, seeds }) {
  return primary.map(({ of, arms, detectable, ...found }) => {
    const power =
      detectable === undefined
        ? ''
        : ` A difference of ${three(detectable)} would be found in four of five cases.`;
    return `Declared beforehand: ${of} over ${seeds} seeds, oracle reward, ${arms.join(' minus ')} is ${withInterval(found, signed)}. ${verdict(found, arms)}${power}`;
  });
}

/** Makes the whole page. */
export function reportPage({ recipe, summary, shown, seconds }) {
  const { ppo, data, seeds, source } = recipe;
  return page({
    title: source.kind === 'world' ? 'RLHF in the synthetic world' : 'RLHF',
    subtitle: `${seeds.length} seeds, ${ppo.steps} steps, ${data.test} test prompts, ${Math.round(seconds)} s`,
    sections: [
      {
        heading: 'Does a policy become better when its judge has had stage 1?',
        paragraphs: [
          ...primarySentences(summary),
          PAPER,
          ...(recipe.arms.includes('by likelihood, stage 1') ? [JUDGES] : []),
          ...(source.kind === 'world' ? [WORLD_NOTE] : []),
          INTERVALS,
        ],
        tables: [policyTable(summary)],
      },
      {
        heading: 'Over-optimization: rewards over the KL',
        paragraphs: [
          'A proxy that rises while the oracle falls is a judge that is being exploited. Areas are 95 % intervals.',
        ],
        figures: [
          chart('PPO, oracle reward', 'KL, nats', summary.overKl, 'kl', 'oracle'),
          chart('PPO, proxy', 'KL, nats', summary.overKl, 'kl', 'proxy'),
          chart('PPO, oracle reward', 'step', summary.overSteps, 'step', 'oracle'),
          chart('Best of n, oracle reward', 'KL, nats', summary.bestOfN, 'kl', 'oracle'),
          chart('Best of n, proxy', 'KL, nats', summary.bestOfN, 'kl', 'proxy'),
        ],
        tables: [bestOfNTable(summary), differenceTable(summary)],
      },
      {
        heading: 'Responses of the first seed',
        paragraphs: ['The number is the oracle reward.'],
        cards: cardsOf(shown),
      },
    ],
  });
}

/** Draws rewards of every judge over a quantity. */
function chart(title, xLabel, lines, x, y) {
  const series = lines.map(({ arm, points }) => ({
    name: arm,
    marks: true,
    points: points.map((point) => [point[x], point[y].mean]),
    band: points.flatMap((point) => (point[y].interval ? [[point[x], ...point[y].interval]] : [])),
  }));
  return {
    svg: lineChart({ title, xLabel, yLabel: y === 'oracle' ? 'oracle reward' : 'probability', series }),
  };
}

/** The responses of the start and of each selected policy to a few prompts. */
export function shownOf({ cells }, resultOf) {
  const [{ seed }] = cells;
  return cells
    .filter((cell) => cell.seed === seed)
    .map(({ arm, run }) => {
      const { curve, selected, shown } = resultOf(run);
      return { arm, prompts: shown, start: curve[0], best: curve[selected] };
    });
}

function cardsOf(shown) {
  const [{ prompts, start }] = shown;
  const answer = ({ responses, oracle }, at, remark) => ({ text: responses[at], score: oracle[at], remark });
  return prompts.map(({ prompt, family }, at) => ({
    title: family,
    prompt,
    responses: [
      answer(start, at, 'supervised fine-tuning'),
      ...shown.map(({ arm, best }) => answer(best, at, `PPO, ${arm}`)),
    ].sort((a, b) => b.score - a.score),
  }));
}
