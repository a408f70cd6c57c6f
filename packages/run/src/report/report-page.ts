import { lineChart, page, type Section, writePage } from '@gram/report';
import type { Curve, RunMetrics } from '../metrics.js';
import { evaluated, hasNumber, numberOf, type StepRecord } from '../record.js';
import { settingRows } from './settings.js';

/** Content of the report of a finished run. */
export interface RunReport {
  readonly title: string;
  readonly subtitle: string;
  /** Curves and evaluations of the records of the run. */
  readonly metrics: RunMetrics;
  readonly history: readonly StepRecord[];
  /** Numbers of the run: what, and the value. */
  readonly facts: readonly (readonly [string, string | number])[];
  /** Sections after the curves that only this kind of run has. @default none */
  readonly sections?: readonly Section[];
  /** Settings of the run; nested ones are listed by their path. */
  readonly settings: object;
}

/** Writes the report of a finished run: curves, numbers and settings, on one page without scripts. */
export async function writeRunReport(path: string, report: RunReport): Promise<void> {
  const { title, subtitle, metrics, history, facts, sections = [], settings } = report;
  const rows = (pairs: RunReport['facts']) => pairs.map(([what, value]) => [what, value]);
  const html = page({
    title,
    subtitle,
    sections: [
      { heading: 'Curves', figures: curves(metrics, history).map((svg) => ({ svg })) },
      ...sections,
      { heading: 'Run', tables: [{ columns: [{ name: 'what' }, { name: 'value' }], rows: rows(facts) }] },
      {
        heading: 'Configuration',
        tables: [{ columns: [{ name: 'key' }, { name: 'value' }], rows: rows(settingRows(settings)) }],
      },
    ],
  });
  await writePage(path, html);
}

function curves(metrics: RunMetrics, history: readonly StepRecord[]): string[] {
  // Enough to see a trend through the noise of a batch, and nothing for a run too short to have one.
  const smooth = history.length > 50 ? 0.9 : 0;
  return metrics.curves.flatMap((curve) => {
    const { title, unit, isNoisy = true } = curve;
    const series = seriesOf(curve, metrics, history);
    if (series.length === 0) return [];
    return [lineChart({ title, xLabel: 'step', yLabel: unit, series, smooth: isNoisy ? smooth : 0 })];
  });
}

/** The lines of one chart; none where no step has the number. */
function seriesOf({ name, title, evaluation }: Curve, metrics: RunMetrics, history: readonly StepRecord[]) {
  const points = history
    .filter((record) => hasNumber(record, name))
    .map((record): [number, number] => [record.step, numberOf(record, name)]);
  const marks = history.flatMap((record): [number, number][] => {
    const value = evaluation === undefined ? Number.NaN : evaluated(record, evaluation);
    return Number.isNaN(value) ? [] : [[record.step, value]];
  });
  const line = points.length === 0 ? [] : [{ name: marks.length === 0 ? title : 'training', points }];
  return marks.length === 0
    ? line
    : [...line, { name: `${metrics.evaluation} data`, points: marks, marks: true }];
}
