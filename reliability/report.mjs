// The report of a run, as markdown.

const KINDS = ['crash', 'hang', 'memory', 'foreign', 'raw text', 'unexplained'];

/** Writes counts as a table, and every fault with what repeats it. */
export function formatReport({ seed, form, node, isDone, results, stops, troubles }) {
  const columns = ['input', 'cases', 'refused', 'same', 'other', ...KINDS, 'seconds'];
  const rows = results.map(({ title, cases, refused, same, other, faults, seconds }) => [
    title,
    ...[cases, refused, same, other].map((count) => count.toLocaleString('en-US')),
    ...KINDS.map((kind) => faults.filter((fault) => fault.kind === kind).length),
    seconds.toFixed(0),
  ]);
  const stopFaults = stops.flatMap(({ name, signal, faults: found }) =>
    found.map(
      ({ stops: count, detail }) => `### ${name}, ${signal} ${count}\n\n\`\`\`text\n${detail}\n\`\`\`\n`,
    ),
  );
  const inputFaults = results.flatMap((result) =>
    result.faults.map((fault) => describeFault(result, fault, seed)),
  );
  const troubleFaults = troubles.flatMap(({ name, run, faults: found }) =>
    found.map((detail) => `### ${name}, ${run}\n\n\`\`\`text\n${detail}\n\`\`\`\n`),
  );
  const faults = [...inputFaults, ...stopFaults, ...troubleFaults];
  return [
    '# Reliability',
    '',
    ...(isDone ? [] : ['This run is not done: the command that wrote this goes on with it.', '']),
    `The ${form} form with seed ${seed} on Node ${node}. A case is refused with an error of the package, or it reads the same`,
    'as the original, or as another one that the change explains. Everything else is a fault: a process that ended, took',
    'more than 5 seconds or 1 GB, an error that is not of the package or holds raw control characters, and an answer that',
    'nothing explains.',
    '',
    `| ${columns.join(' | ')} |`,
    `| ${columns.map((_, at) => (at === 0 ? '---' : '---:')).join(' | ')} |`,
    ...rows.map((row) => `| ${row.join(' | ')} |`),
    '',
    ...describeStops(stops),
    ...describeTroubles(troubles),
    ...(faults.length === 0 ? ['No faults.'] : ['## Faults', '', ...faults]),
    '',
  ].join('\n');
}

/** A table of runs that were stopped at random moments and started again by the same command. */
function describeStops(stops) {
  if (stops.length === 0) return [];
  const rows = stops.map(({ name, signal, stops: count, runs, faults, missing }) => [
    name,
    signal,
    missing === undefined ? count : `skipped: ${missing}`,
    runs,
    faults.length,
  ]);
  return [
    '| run | signal | stops | runs to the end with the same bytes | faults |',
    '| --- | --- | ---: | ---: | ---: |',
    ...rows.map((row) => `| ${row.join(' | ')} |`),
    '',
  ];
}

/** A table of what runs said when something went wrong around them, and of what was lost. */
function describeTroubles(troubles) {
  if (troubles.length === 0) return [];
  const cell = (text) => text.replaceAll('|', '\\|').replaceAll(/\s+/g, ' ');
  const rows = troubles.map(({ name, run, said, faults, missing }) => [
    name,
    run,
    cell(missing === undefined ? said : `skipped: ${missing}`),
    faults.length === 0 ? (missing === undefined ? 'nothing' : '') : `${faults.length} faults`,
  ]);
  return [
    '| trouble | run | what was said | what was lost |',
    '| --- | --- | --- | --- |',
    ...rows.map((row) => `| ${row.join(' | ')} |`),
    '',
  ];
}

function describeFault({ name, title }, { index, kind, detail }, seed) {
  const command = `npm run reliability -- --only ${name} --seed ${seed} --case ${index}`;
  return `### ${title}, case ${index}: ${kind}\n\n\`${command}\`\n\n\`\`\`text\n${detail}\n\`\`\`\n`;
}
