import type { Command, Flag } from './command.js';

const width = 78;

/** What `gram --help` prints. */
export function generalHelp(commands: readonly Pick<Command, 'name' | 'summary'>[]): string {
  return [
    'gram trains, evaluates and uses reward models.',
    '',
    'Usage: gram COMMAND [FLAGS]',
    '',
    ...columns([
      ...commands.map(({ name, summary }) => [name, summary] as const),
      ['--help', 'This text; gram COMMAND --help explains a command.'],
      ['--version', 'The version.'],
    ]),
    '',
    'Results go to stdout, everything else to stderr. Exit status: 0 done,',
    '1 refused with one line that says why, 2 wrong usage, 70 a fault of gram',
    'itself, 130 interrupted.',
    '',
  ].join('\n');
}

/** What `gram COMMAND --help` prints. */
export function commandHelp({
  name,
  summary,
  operands = {},
  flags,
  example,
  cost,
}: Omit<Command, 'run'>): string {
  const words = Object.values(operands);
  const rows = [
    ...words.map(({ value, help }) => [value, help] as const),
    ...Object.entries(flags).map(([flag, spec]) => [spelled(flag, spec), explained(spec)] as const),
  ];
  const usage = ['Usage: gram', name, ...words.map(({ value }) => value), 'FLAGS'].join(' ');
  return [
    summary,
    '',
    usage,
    '',
    ...columns([...rows, ['--help', 'This text.']]),
    '',
    `Example: ${example}`,
    `Cost: ${cost}`,
    '',
  ].join('\n');
}

function spelled(name: string, { value, bare }: Flag): string {
  if (value === undefined) return `--${name}`;
  return bare === undefined ? `--${name} ${value}` : `--${name} [${value}]`;
}

function explained({ help, required, multiple, choices }: Flag): string {
  const notes = [
    ...(required ? ['needed'] : []),
    ...(multiple ? ['may be repeated'] : []),
    ...(choices === undefined ? [] : [`one of ${choices.join(', ')}`]),
  ];
  return notes.length === 0 ? help : `${help} (${notes.join('; ')})`;
}

/** Two columns, the second one wrapped at spaces. */
function columns(rows: readonly (readonly [string, string])[]): string[] {
  const left = Math.max(...rows.map(([name]) => name.length)) + 4;
  return rows.flatMap(([name, text]) => {
    const lines = [''];
    for (const word of text.split(' ')) {
      const last = lines.at(-1)!;
      if (last !== '' && left + last.length + word.length >= width) lines.push(word);
      else lines[lines.length - 1] = last === '' ? word : `${last} ${word}`;
    }
    return lines.map((line, at) => (at === 0 ? `  ${name}` : '').padEnd(left) + line);
  });
}
