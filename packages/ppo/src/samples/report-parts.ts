import { lineChart, type Section, type Table } from '@gram/report';
import type { NamedReward } from '../rewards/named-reward.js';
import { type MeasuredRewards, partingStep, partingText } from './parting.js';
import type { Sample } from './samples.js';
import { SAMPLES_FILE } from './samples-log.js';

/** Longest text of a cell, in characters. */
const CELL = 600;

/** The parts of a page or a report that only RLHF has: the reward beside the held-out one, and samples of some steps. */
export function rlhfSections(
  evaluations: readonly MeasuredRewards[],
  samples: readonly Sample[],
  rewards: readonly Pick<NamedReward, 'name'>[],
): Section[] {
  const parted = partedSection(evaluations);
  const steps = [...new Set(samples.map(({ step }) => step))];
  const tables = steps.map((step) =>
    samplesTable(
      samples.filter((sample) => sample.step === step),
      rewards.length < 2 ? [] : rewards.map(({ name }) => name),
    ),
  );
  return [
    ...(parted === undefined ? [] : [parted]),
    ...(tables.length === 0 ? [] : [{ heading: 'Samples', tables }]),
  ];
}

/** The samples of the first and of the last step. */
export function endSamples(samples: readonly Sample[]): Sample[] {
  const [first, last] = [samples[0]?.step, samples.at(-1)?.step];
  return samples.filter(({ step }) => step === first || step === last);
}

/** Both rewards in one chart. Their scales may differ by far, so each is drawn in parts of its own range. */
function partedSection(evaluations: readonly MeasuredRewards[]): Section | undefined {
  const measured = evaluations.flatMap(({ step, reward, heldOut }) =>
    heldOut === undefined ? [] : [{ step, reward, heldOut }],
  );
  if (measured.length === 0) return undefined;
  const steps = measured.map(({ step }) => step);
  const learned = changes(measured.map(({ reward }) => reward));
  const heldOut = changes(measured.map(({ heldOut }) => heldOut));
  const parting = partingStep(evaluations);
  const all = [...learned, ...heldOut];
  const points = (values: readonly number[]) =>
    values.map((value, i): [number, number] => [steps[i] ?? 0, value]);
  const mark = (step: number) => ({
    name: 'where they part',
    points: [Math.min(...all), Math.max(...all)].map((y): [number, number] => [step, y]),
  });
  const svg = lineChart({
    title: 'Reward and held-out reward',
    xLabel: 'step',
    yLabel: 'change since the start, in parts of its range',
    series: [
      { name: 'learned from', points: points(learned), marks: true },
      { name: 'held out', points: points(heldOut), marks: true },
      ...(parting === undefined ? [] : [mark(parting)]),
    ],
  });
  const text =
    parting === undefined
      ? 'The held-out reward has not fallen while the other rose.'
      : `${partingText(parting).replace(/^a/, 'A')}.`;
  return {
    heading: 'Reward beside the held-out one',
    figures: [{ svg, caption: 'Means over the validation prompts.' }],
    paragraphs: [text],
  };
}

/** The differences from the first value, as shares of the range of all. */
function changes(values: readonly number[]): number[] {
  const [first = 0] = values;
  const range = Math.max(...values) - Math.min(...values);
  return values.map((value) => (range > 0 ? (value - first) / range : 0));
}

function samplesTable(samples: readonly Sample[], names: readonly string[]): Table {
  const texts = ['prompt', 'sample', 'reference'].map((name) => ({ name, isText: true }));
  const numbers = ['reward', ...names, 'KL', 'tokens'].map((name) => ({ name, align: 'right' as const }));
  const isCut = samples.some((sample) => textsOf(sample).some((text) => text.length > CELL));
  const more = isCut ? `; texts are cut after ${CELL} characters here, ${SAMPLES_FILE} has more of them` : '';
  return {
    caption: `Step ${samples[0]?.step ?? 0}${more}`,
    columns: [...texts, ...numbers],
    rows: samples.map((sample) => [
      ...textsOf(sample).map((text) => (text.length > CELL ? `${text.slice(0, CELL)}...` : text)),
      ...[sample.reward, ...names.map((name) => sample.rewards[name]), sample.kl].map((v) => v ?? 'none'),
      sample.length,
    ]),
  };
}

function textsOf({ prompt, response, reference = '' }: Sample): string[] {
  return [prompt, response, reference];
}
