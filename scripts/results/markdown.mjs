/** Writes a table of a report in Markdown, with aligned columns. */
export function markdownTable({ columns, rows }) {
  const cells = [columns.map(({ name }) => name), ...rows].map((row) => row.map(String));
  const widths = columns.map((_, at) => Math.max(3, ...cells.map((row) => row[at].length)));
  const line = (row) => `| ${row.map((cell, at) => cell.padEnd(widths[at])).join(' | ')} |`;
  const rule = widths.map((width) => '-'.repeat(width)).join(' | ');
  const [header, ...body] = cells.map(line);
  return [header, `| ${rule} |`, ...body].join('\n');
}

/** Says where, when and how long a study ran. */
export function madeOn({ date, processor, seconds }) {
  return `Made on ${date} on ${processor}, in ${Math.round(seconds / 60)} minutes.`;
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
