import { lineChart } from '@gram/report';

const CHARTS = {
  quality: { title: 'Quality of the response ranked first', label: 'mean oracle quality' },
  tau: { title: 'Rightness of the whole order', label: 'Kendall tau' },
};

/** SVG charts by file name, of the judge of medium noise. */
export function charts(levels) {
  const { sizes } = levels.find(({ name }) => name === 'medium');
  return Object.fromEntries(
    Object.entries(CHARTS).map(([measure, chart]) => [`ranking-${measure}.svg`, draw(sizes, measure, chart)]),
  );
}

function draw(sizes, measure, { title, label }) {
  return lineChart({
    title,
    xLabel: 'log2 of the comparisons; dots are lists of 4, 8, 16 and 32',
    yLabel: label,
    series: sizes[0].rows.map(({ name }) => {
      const points = sizes.map(({ rows }) => {
        const row = rows.find((each) => each.name === name);
        return { x: Math.log2(row.comparisons), ...row[measure] };
      });
      return {
        name,
        points: points.map(({ x, mean }) => [x, mean]),
        band: points.map(({ x, low, high }) => [x, low, high]),
        marks: true,
      };
    }),
  });
}

/** The study as Markdown. */
export function report(levels, lists) {
  return `# Ways to rank

Written by \`packages/reward/tools/ranking-study.mjs\`. What follows from it is in the [README](../README.md#ranking).

${lists} prompts of the synthetic world, each with lists of 4 to 32 responses of all qualities; a shorter list is the beginning of
the longer ones. A judge prefers a to b with probability

    sigmoid((q_a - q_b) / temperature + bias + noise * z)

where q is the quality by the oracle, from 0 to 1, the bias is for the response that is shown first, the earlier one of the list,
and z is a standard normal number of the pair: asked again, the judge says the same. Each pair is judged once, in one order.

${judges(levels)}

- \`comparisons\`: of one list. Merge sort needs a number that depends on the answers; this is its mean.
- \`rounds\`: calls of \`compare\` one after the other, of the list that needed most.
- \`quality\`: of the response that is ranked first, by the oracle.
- \`best\`: how often no other response of the list is better than that.
- \`tau\`: Kendall's tau of the order, over the pairs of different quality.

Numbers are means over prompts, with 95 % bootstrap intervals. \`swiss\` has its default of 2 ceil(log2 n) rounds, and
ceil(log2 n) + 1 where it says fewer. \`bradley-terry\` has no rows, since its order is that of \`round-robin\`.

The charts show the judge of medium noise.

${Object.entries(CHARTS)
  .map(([measure, { title }]) => `![${title}](ranking-${measure}.svg)`)
  .join('\n\n')}

${levels.map((level) => `## Judge of ${level.name} noise\n\n${results(level)}`).join('\n\n')}

## Differences

Of two strategies on the same lists, which is more exact than the difference of two rows above: what is hard about a list is hard
for both. Where the interval is without 0, there is a difference.

${differences(levels)}

## Limits

- Mistakes of this judge are independent between pairs. Those of a model are partly of a response: one that it likes too much wins
  in every strategy, and more comparisons do not average that out. Gains from more comparisons are an upper bound.
- The bias is of a judge that sees one order. A model that judges both orders has none.
`;
}

function judges(levels) {
  return table(
    ['judge', 'temperature', 'bias', 'noise', 'right on pairs of different quality'],
    levels.map(({ name, temperature, bias, noise, accuracy }) => {
      return [name, temperature, bias, noise, percent(accuracy)];
    }),
  );
}

function results({ sizes }) {
  return table(
    ['n', 'strategy', 'comparisons', 'rounds', 'quality', 'best', 'tau'],
    sizes.flatMap(({ n, top, rows }) => [
      ...rows.map(({ name, comparisons, rounds, quality, best, tau }) => [
        n,
        name,
        Number(comparisons.toFixed(1)),
        rounds,
        interval(quality),
        interval(best),
        interval(tau),
      ]),
      [n, 'the truth', '', '', top.toFixed(3), '', ''],
    ]),
  );
}

function differences(levels) {
  const [{ sizes }] = levels;
  return table(
    ['noise', 'n', ...sizes[0].contests.map(([one, other, measure]) => `${measure}: ${one} - ${other}`)],
    levels.flatMap((level) => level.sizes.map(({ n, gains }) => [level.name, n, ...gains.map(signed)])),
  );
}

/** Columns are padded, so that the file is readable as it is. */
function table(header, rows) {
  const lines = [header, ...rows].map((row) => row.map(String));
  const widths = header.map((_, column) => Math.max(3, ...lines.map((row) => row[column].length)));
  const line = (cells) => `| ${cells.map((cell, column) => cell.padEnd(widths[column])).join(' | ')} |`;
  return [line(lines[0]), line(widths.map((width) => '-'.repeat(width))), ...lines.slice(1).map(line)].join(
    '\n',
  );
}

function interval({ mean, low, high }) {
  return `${mean.toFixed(3)} (${low.toFixed(3)} to ${high.toFixed(3)})`;
}

function signed({ mean, low, high }) {
  const sign = (value) => `${value < 0 ? '' : '+'}${value.toFixed(3)}`;
  return `${sign(mean)} (${sign(low)} to ${sign(high)})`;
}

function percent(share) {
  return `${(100 * share).toFixed(0)} %`;
}
