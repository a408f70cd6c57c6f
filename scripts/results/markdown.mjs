/** Writes a table of a report in Markdown, with aligned columns. */
export function markdownTable({ columns, rows }) {
  const cells = [columns.map(({ name }) => name), ...rows].map((row) => row.map(String));
  const widths = columns.map((_, at) => Math.max(3, ...cells.map((row) => row[at].length)));
  const line = (row) => `| ${row.map((cell, at) => cell.padEnd(widths[at])).join(' | ')} |`;
  const rule = widths.map((width) => '-'.repeat(width)).join(' | ');
  const [header, ...body] = cells.map(line);
  return [header, `| ${rule} |`, ...body].join('\n');
}

/** Says where and when a study ran, and how much computation its stages took. */
export function madeOn({ date, processor, seconds }) {
  return `Made on ${date} on ${processor}, with about ${Math.round(seconds / 60)} minutes of computation.`;
}

/** Breaks a paragraph into lines of at most 120 characters. */
export function wrapped(text) {
  const lines = [''];
  for (const word of text.split(' ')) {
    const last = lines.at(-1);
    if (last.length > 0 && last.length + word.length + 1 > 120) lines.push(word);
    else lines[lines.length - 1] = last === '' ? word : `${last} ${word}`;
  }
  return lines.join('\n');
}
