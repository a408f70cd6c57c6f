import { formatNumber, textTable } from '@gram/report';
import { median } from '../engine/configurations.mjs';

/**
 * Makes the findings of a benchmark of what its systems measured, as data for a table, a file and a page.
 *
 * @param results as `turns` gives them
 * @param figures `{ name, unit, of, isPlotted }`: a number of each system, which `of` takes from what it measured
 * @param targets `{ name, own, beside, of, least, most, unit }`: a number that `of` makes of our system and another one, and its
 *   bound. Of several systems that stand `beside` ours the worst number counts; without the list `of` takes ours alone. Both
 *   are of one round.
 * @param about also `charts`, content of line charts for the page, is kept as it is
 */
export function findingsOf({ results, absent = [], figures, targets = [], ...about }) {
  return {
    ...about,
    absent,
    systems: Object.entries(results).map(([name, { version = '' }]) => ({ name, version })),
    figures: figures.map(({ name, unit, of, isPlotted = true }) => ({
      name,
      unit,
      isPlotted,
      values: Object.fromEntries(
        Object.entries(results).flatMap(([system, { rounds }]) => {
          const values = rounds.map(of).filter(Number.isFinite);
          return values.length === 0 ? [] : [[system, spreadOf(values)]];
        }),
      ),
    })),
    targets: targets.map((target) => judged(target, results)),
  };
}

function judged({ name, own, beside, of, least, most, unit = 'x' }, results) {
  const bound = `${least === undefined ? `<= ${most}` : `>= ${least}`} ${unit}`.trim();
  const ours = results[own];
  const peers = beside?.filter((system) => results[system] !== undefined);
  if (ours === undefined || peers?.length === 0) {
    return { name, bound, unit, missing: ours === undefined ? own : beside.join(', ') };
  }
  const worst = least === undefined ? Math.max : Math.min;
  const values = ours.rounds.map((round, at) =>
    peers === undefined ? of(round) : worst(...peers.map((system) => of(round, results[system].rounds[at]))),
  );
  const measured = spreadOf(values);
  const holds = least === undefined ? measured.median <= most : measured.median >= least;
  return { name, bound, unit, measured, holds };
}

/** Median, lowest and highest of several numbers. */
export function spreadOf(values) {
  return { median: median(values), low: Math.min(...values), high: Math.max(...values) };
}

/** A number of at most three digits that count. */
export function shown(value) {
  return formatNumber(Math.abs(value) >= 100 ? Math.round(value) : Number(value.toPrecision(3)));
}

/** A median and, where rounds differ, the lowest and the highest of them. */
export function shownSpread({ median: middle, low, high }) {
  const ends = [low, high].map(shown);
  return ends[0] === ends[1] ? shown(middle) : `${shown(middle)} (${ends.join(' to ')})`;
}

const measuredText = ({ measured, unit, missing }) =>
  measured === undefined ? `not measured without ${missing}` : `${shownSpread(measured)} ${unit}`.trim();
const verdictOf = ({ holds }) => (holds === undefined ? '' : holds ? 'yes' : 'no');

/** The systems with their figures. */
export function figureTable({ systems, figures }) {
  const columns = [
    { name: 'system' },
    ...figures.map(({ name, unit }) => ({ name: [name, unit].filter(Boolean).join(', ') })),
  ];
  const rows = systems.map(({ name }) => [
    name,
    ...figures.map(({ values }) => (values[name] === undefined ? '' : shownSpread(values[name]))),
  ]);
  return { columns, rows };
}

/** The targets with what was measured. */
export function targetTable(targets) {
  const columns = ['target', 'bound', 'measured', 'holds'].map((name) => ({ name }));
  return {
    columns,
    rows: targets.map((target) => [target.name, target.bound, measuredText(target), verdictOf(target)]),
  };
}

/** The sentence that names what is absent; undefined where nothing is. */
export function absentSentence({ absent }) {
  if (absent.length === 0) return undefined;
  return `Absent: ${absent.map(({ name, reason }) => `${name} (${reason})`).join('; ')}.`;
}

/** The findings as plain text. */
export function findingsText(findings) {
  return [
    textTable(figureTable(findings)),
    ...(findings.targets.length > 0 ? [textTable(targetTable(findings.targets))] : []),
    ...[absentSentence(findings)].filter((sentence) => sentence !== undefined),
  ].join('\n\n');
}
