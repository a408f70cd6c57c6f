import { conversationText, createRandom, mean } from '@gram/base';
import { lineChart, page, type Section, writePage } from '@gram/report';
import { bestOfNCurve, bestOfNKl } from '@gram/reward';
import { settingRows } from '@gram/run';
import type { NamedReward } from '../rewards/named-reward.js';
import type { Candidate, Choice } from './choose.js';

/** Numbers of a choice among responses. */
export interface BestOfNSummary {
  readonly prompts: number;
  /** Prompts to which no response has a reward: nothing is chosen there. */
  readonly unchosen: number;
  readonly responses: number;
  /** Responses without a reward. */
  readonly unrewarded: number;
  /** Mean reward of all responses and of the chosen ones; absent without any. */
  readonly reward?: { readonly all: number; readonly chosen: number };
  /** Mean over the prompts of `bestOfNKl` of the number of responses with a reward, in nats: a bound. */
  readonly kl: number;
}

/** Sums up what was chosen. */
export function summarizeChoices(choices: readonly Choice[]): BestOfNSummary {
  const candidates = choices.flatMap((choice) => choice.candidates);
  const rewards = candidates.flatMap(({ reward }) => reward ?? []);
  const best = choices.flatMap(({ chosen, candidates: own }) =>
    chosen === null ? [] : (own[chosen]?.reward ?? []),
  );
  const sizes = choices.map(({ candidates: own }) => own.filter(({ reward }) => reward !== null).length);
  return {
    prompts: choices.length,
    unchosen: choices.length - best.length,
    responses: candidates.length,
    unrewarded: candidates.length - rewards.length,
    ...(best.length > 0 && { reward: { all: mean(rewards), chosen: mean(best) } }),
    kl: mean(sizes.map((n) => bestOfNKl(Math.max(1, n)))),
  };
}

/** Longest text of a cell, in characters, and prompts in the table. */
const CELL = 600;
const SHOWN = 12;

/** Writes the page of a choice among responses: the curves over n, numbers, and the first prompts. */
export async function writeChoiceReport(
  path: string,
  choices: readonly Choice[],
  rewards: readonly Pick<NamedReward, 'name' | 'weight'>[],
  settings: object,
): Promise<void> {
  const { reward, kl, ...counts } = summarizeChoices(choices);
  const facts = [
    ['prompts', counts.prompts],
    ['responses', counts.responses],
    ['responses without a reward', counts.unrewarded],
    ['prompts without a choice', counts.unchosen],
    ['mean reward of all responses', reward?.all ?? 'none'],
    ['mean reward of the chosen ones', reward?.chosen ?? 'none'],
    ['KL to the policy, at most, in nats', kl],
  ];
  const plain = [{ name: 'what' }, { name: 'value' }];
  const curves = curvesOf(choices, rewards);
  const html = page({
    title: 'Best of n',
    subtitle: 'responses that rewards chose',
    sections: [
      ...(curves.length === 0 ? [] : [{ heading: 'Curves', figures: curves.map((svg) => ({ svg })) }]),
      { heading: 'Run', tables: [{ columns: plain, rows: facts }] },
      choicesSection(choices.slice(0, SHOWN), rewards),
      { heading: 'Configuration', tables: [{ columns: plain, rows: settingRows(settings) }] },
    ],
  });
  await writePage(path, html);
}

/** The reward that is expected of the best of n, over the KL of n: of the sum that chooses, and of each reward by itself. */
function curvesOf(
  choices: readonly Choice[],
  rewards: readonly Pick<NamedReward, 'name' | 'weight'>[],
): string[] {
  const most = choices[0]?.candidates.length ?? 0;
  const sizes = [...new Set([...Array(12).keys()].map((power) => 2 ** power).filter((n) => n < most)), most];
  const measures: [string, (candidate: Candidate) => number | null][] = [
    ['Reward that chooses', ({ reward }) => reward],
    ...(rewards.length < 2
      ? []
      : rewards.map(({ name, weight = 1 }): [string, (candidate: Candidate) => number | null] => [
          `Reward ${name}, ${weight === 0 ? 'only watched' : `weight ${weight}`}`,
          (candidate) => candidate.rewards[name] ?? null,
        ])),
  ];
  return measures.flatMap(([title, of]) => {
    const groups = choices.flatMap(({ candidates }) => {
      const proxy = candidates.flatMap(({ reward }) => reward ?? []);
      const gold = candidates.flatMap((candidate) => of(candidate) ?? []);
      return proxy.length === most && gold.length === most ? [{ proxy, gold }] : [];
    });
    if (groups.length === 0 || most < 2) return [];
    const points = bestOfNCurve(groups, sizes, createRandom(0, 'report'));
    const series = points.map(({ kl, gold }): [number, number] => [kl, gold?.mean ?? 0]);
    return [
      lineChart({
        title,
        xLabel: 'KL to the policy, at most, in nats',
        yLabel: `mean over ${groups.length} prompts`,
        series: [{ name: title, points: series, marks: true }],
      }),
    ];
  });
}

/** Lists prompts with the response that was chosen, its rewards, and the mean reward of all responses. */
export function choicesSection(
  choices: readonly Choice[],
  rewards: readonly Pick<NamedReward, 'name'>[],
): Section {
  const names = rewards.length < 2 ? [] : rewards.map(({ name }) => name);
  const rows = choices.map(({ prompt, chosen, candidates }) => {
    const best = chosen === null ? undefined : candidates[chosen];
    const all = candidates.flatMap(({ reward }) => reward ?? []);
    return [
      ...[conversationText(prompt), best?.response ?? 'none'].map(shortened),
      best?.reward ?? 'none',
      ...names.map((name) => best?.rewards[name] ?? 'none'),
      all.length === 0 ? 'none' : mean(all),
    ];
  });
  const columns = [
    ...['prompt', 'chosen'].map((name) => ({ name, isText: true })),
    ...['reward', ...names, 'mean of all'].map((name) => ({ name, align: 'right' as const })),
  ];
  const ids = [choices[0]?.id ?? '', choices.at(-1)?.id ?? ''];
  return {
    heading: 'Samples',
    tables: [{ caption: `${rows.length} prompts, from ${ids[0]} to ${ids[1]}`, columns, rows }],
  };
}

function shortened(text: string): string {
  return text.length <= CELL ? text : `${text.slice(0, CELL)}...`;
}
