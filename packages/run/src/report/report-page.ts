import { lineChart, page, type Series, writePage } from '@gram/report';
import type { StepRecord } from '../record.js';
import { settingRows } from './settings.js';

/** Content of the report of a finished run. */
export interface RunReport {
  readonly title: string;
  readonly subtitle: string;
  readonly history: readonly StepRecord[];
  /** Numbers of the run: what, and the value. */
  readonly facts: readonly (readonly [string, string | number])[];
  /** Settings of the run; nested ones are listed by their path. */
  readonly settings: object;
}

/** Writes the report of a finished run: curves, numbers and settings, on one page without scripts. */
export async function writeRunReport(path: string, report: RunReport): Promise<void> {
  const { title, subtitle, history, facts, settings } = report;
  const rows = (pairs: RunReport['facts']) => pairs.map(([what, value]) => [what, value]);
  const html = page({
    title,
    subtitle,
    sections: [
      { heading: 'Curves', figures: curves(history).map((svg) => ({ svg })) },
      { heading: 'Run', tables: [{ columns: [{ name: 'what' }, { name: 'value' }], rows: rows(facts) }] },
      {
        heading: 'Configuration',
        tables: [{ columns: [{ name: 'key' }, { name: 'value' }], rows: rows(settingRows(settings)) }],
      },
    ],
  });
  await writePage(path, html);
}

function curves(history: readonly StepRecord[]): string[] {
  // Enough to see a trend through the noise of a batch, and nothing for a run too short to have one.
  const smooth = history.length > 50 ? 0.9 : 0;
  const chart = (
    title: string,
    yLabel: string,
    value: (record: StepRecord) => number,
    heldOut: (record: StepRecord) => number | undefined = () => undefined,
  ) => {
    const line: Series = { name: 'training', points: history.map((record) => [record.step, value(record)]) };
    const marks = history.flatMap((record): [number, number][] => {
      const number = heldOut(record);
      return number === undefined ? [] : [[record.step, number]];
    });
    const series =
      marks.length === 0
        ? [{ ...line, name: title }]
        : [line, { name: 'held-out data', points: marks, marks: true }];
    return lineChart({ title, xLabel: 'step', yLabel, series, smooth });
  };
  return [
    chart(
      'Loss',
      'nats',
      ({ loss }) => loss,
      ({ validation }) => validation?.loss,
    ),
    ...(history[0]?.accuracy === undefined
      ? []
      : [
          chart(
            'Accuracy',
            'share of pairs',
            ({ accuracy = Number.NaN }) => accuracy,
            ({ validation }) => validation?.accuracy,
          ),
        ]),
    chart('Gradient norm', 'before clipping', ({ gradientNorm }) => gradientNorm),
    lineChart({
      title: 'Learning rate',
      xLabel: 'step',
      yLabel: 'per step',
      series: [
        { name: 'learning rate', points: history.map(({ step, learningRate }) => [step, learningRate]) },
      ],
    }),
  ];
}
