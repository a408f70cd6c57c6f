import { lineChart, type Section } from '@gram/report';
import { type MeasuredRewards, partingStep } from './parting.js';
import type { Sample } from './samples.js';

/** Longest text of a cell, in characters. */
const CELL = 300;

/** The parts of a report that only RLHF has: the reward beside the held-out one, and samples of the first and the last step. */
export function rlhfSections(
  evaluations: readonly MeasuredRewards[],
  samples: readonly Sample[],
  names: readonly string[],
): Section[] {
  const proxy = proxySection(evaluations);
  const steps = samples.map(({ step }) => step);
  const shown = [...new Set([steps[0], steps.at(-1)])].flatMap((step) => step ?? []);
  const tables = shown.map((step) =>
    samplesTable(
      samples.filter((sample) => sample.step === step),
      names,
    ),
  );
  return [
    ...(proxy === undefined ? [] : [proxy]),
    ...(tables.length === 0 ? [] : [{ heading: 'Samples', tables }]),
  ];
}

function proxySection(evaluations: readonly MeasuredRewards[]): Section | undefined {
  const held = evaluations.flatMap(({ step, heldOut }): [number, number][] =>
    heldOut === undefined ? [] : [[step, heldOut]],
  );
  if (held.length === 0) return undefined;
  const parting = partingStep(evaluations);
  const mark = held.filter(([step]) => step === parting);
  const svg = lineChart({
    title: 'Reward and held-out reward',
    xLabel: 'step',
    yLabel: 'mean on validation prompts',
    series: [
      {
        name: 'learned from',
        points: evaluations.map(({ step, reward }): [number, number] => [step, reward]),
      },
      { name: 'held out', points: held },
      ...(mark.length === 0 ? [] : [{ name: 'where they part', points: mark, marks: true }]),
    ],
  });
  const text =
    parting === undefined
      ? 'The held-out reward did not fall while the other rose.'
      : `After step ${parting} the reward went on to rise while the held-out one fell: the policy exploits it.`;
  return { heading: 'Proxy', figures: [{ svg }], paragraphs: [text] };
}

function samplesTable(samples: readonly Sample[], names: readonly string[]) {
  return {
    caption: `Step ${samples[0]?.step ?? 0}`,
    columns: [
      { name: 'prompt' },
      { name: 'sample' },
      { name: 'reference' },
      { name: 'reward' },
      ...(names.length < 2 ? [] : names.map((name) => ({ name }))),
      { name: 'KL' },
      { name: 'tokens' },
    ],
    rows: samples.map(({ prompt, response, reference = '', reward, rewards, kl, length }) => [
      ...[prompt, response, reference].map(shortened),
      ...[reward, ...(names.length < 2 ? [] : names.map((name) => rewards[name] ?? null))].map(
        (value) => value ?? 'none',
      ),
      kl ?? 'none',
      length,
    ]),
  };
}

function shortened(text: string): string {
  return text.length <= CELL ? text : `${text.slice(0, CELL)}...`;
}
