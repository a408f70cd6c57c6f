import { barChart, lineChart, page } from '@gram/report';
import { absentSentence, figureTable, targetTable } from './findings.mjs';

/** Names of the parts of a machine, in the order of the page. */
const MACHINE = {
  processor: 'processor',
  instructions: 'instructions',
  threads: 'threads that compute',
  memory: 'memory',
  system: 'system',
  node: 'Node',
  onnxruntime: 'ONNX Runtime',
};

/**
 * Renders what benchmarks found as one page: all targets, the figures of each benchmark, and where they were measured.
 *
 * @param all findings of benchmarks, as `publish` keeps them
 * @param missing `{ name, reason }` of the benchmarks that found nothing
 */
export function benchmarkPage(all, missing) {
  return page({
    title: 'Benchmarks of gram',
    subtitle: 'Other systems on the same weights and inputs, in processes that take turns on one machine.',
    sections: [targetSection(all, missing), ...all.map(benchmarkSection), machineSection(all)],
  });
}

function targetSection(all, missing) {
  const targets = all.flatMap(({ title, targets: own }) => own.map((target) => ({ ...target, title })));
  const { columns, rows } = targetTable(targets);
  const measured = targets.filter(({ holds }) => holds !== undefined);
  const count = measured.filter(({ holds }) => holds).length;
  const absent = missing.map(({ name, reason }) => `${name} (${reason})`).join('; ');
  return {
    heading: 'Targets',
    paragraphs: [
      `${count} of ${measured.length} measured targets hold. Targets that were not measured: ${targets.length - measured.length}.`,
      'Both sides of a ratio come from one round of one run. Each figure is the median over the rounds, with the lowest and the highest where they differ.',
      ...(missing.length > 0 ? [`Benchmarks without results: ${absent}.`] : []),
    ],
    tables: [
      {
        columns: [{ name: 'benchmark' }, { ...columns[0], isText: true }, ...columns.slice(1)],
        rows: rows.map((row, at) => [targets[at].title, ...row]),
      },
    ],
  };
}

function benchmarkSection(findings) {
  const { title, about, figures, charts = [], date, machine, rounds } = findings;
  return {
    heading: title,
    paragraphs: [
      about,
      `Measured on ${date} in ${rounds === 1 ? 'one round' : `${rounds} rounds`}; other work had a load of ${machine.load} before it.`,
      ...[absentSentence(findings)].filter((sentence) => sentence !== undefined),
    ],
    figures: [
      ...figures.filter(({ isPlotted }) => isPlotted).map(figureChart),
      ...charts.map((chart) => ({ svg: lineChart(chart) })),
    ],
    tables: [figureTable(findings)],
  };
}

/** One bar for each system; ours have a color of their own. */
function figureChart({ name, unit, values }) {
  const groups = Object.entries(values).map(([system, { median: value, low, high }]) => ({
    name: system,
    bars: [{ name: system.startsWith('gram') ? 'gram' : 'others', value, ...(low < high && { low, high }) }],
  }));
  return { svg: barChart({ title: name, yLabel: unit, groups }) };
}

function machineSection(all) {
  const versions = new Map(all.flatMap(({ systems }) => systems.map(({ name, version }) => [name, version])));
  const machines = new Map();
  for (const { title, machine } of all) {
    const cells = Object.keys(MACHINE).map((key) => machine[key]);
    const { titles = [] } = machines.get(cells.join()) ?? {};
    machines.set(cells.join(), { cells, titles: [...titles, title] });
  }
  const texts = ['benchmarks', MACHINE.processor, MACHINE.instructions];
  return {
    heading: 'Machine and versions',
    tables: [
      {
        caption: 'Machines',
        columns: ['benchmarks', ...Object.values(MACHINE)].map((name) => ({
          name,
          isText: texts.includes(name),
        })),
        rows: [...machines.values()].map(({ cells, titles }) => [titles.join('; '), ...cells]),
      },
      {
        caption: 'Versions of other systems',
        columns: [{ name: 'system' }, { name: 'version' }],
        rows: [...versions].filter(([, version]) => version !== ''),
      },
    ],
  };
}
