import type { SetOverlap } from '@gram/data';
import { formatNumber, type Table } from '@gram/report';
import type { DataStatistics, LengthSummary } from './measure.js';

/** Shows overlaps with evaluation sets as a table. */
export function overlapTable(overlaps: readonly SetOverlap[]): Table {
  return {
    columns: [
      { name: 'evaluation set' },
      { name: 'prompts' },
      { name: 'found equal' },
      { name: 'found nearly' },
      { name: 'records' },
    ],
    rows: overlaps.map(({ name, prompts, equal, near, records }) => [name, prompts, equal, near, records]),
  };
}

/** The lengths as a table. */
export function lengthTable({ characters, tokens }: DataStatistics): Table {
  const row = (name: string, { mean, median, p90, p99, most }: LengthSummary) => [
    name,
    ...[mean, median, p90, p99, most].map((value) => formatNumber(Math.round(value))),
  ];
  const rowsOf = (unit: string, lengths: DataStatistics['characters'] | null) =>
    lengths === null
      ? []
      : [
          row(`prompt, ${unit}`, lengths.prompt),
          row(`response, ${unit}`, lengths.response),
          row(`record, ${unit}`, lengths.record),
        ];
  const columns = ['mean', 'median', '90 %', '99 %', 'most'].map((name) => ({
    name,
    align: 'right' as const,
  }));
  return {
    columns: [{ name: 'length' }, ...columns],
    rows: [...rowsOf('characters', characters), ...rowsOf('tokens', tokens)],
  };
}
