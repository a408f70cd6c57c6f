import type { CommandUsage } from './command.js';
import type { CommandEntry } from './command-table.js';
import type { Flag, Operand } from './flags.js';

const LINE_WIDTH = 78;

type Named = Pick<CommandEntry, 'name' | 'summary'>;

/** Returns the text of `gram --help`. */
export function generalHelp(commands: readonly Named[]): string {
  return [
    'gram trains, evaluates and uses reward models.',
    '',
    'Usage: gram COMMAND [FLAGS]',
    '',
    ...columns([
      ...commands.map(({ name, summary }) => [name, summary] as const),
      ['help [COMMAND]', 'Prints this text, or explains a command, as gram COMMAND --help does.'],
      ['-v, --version', 'Prints the version.'],
    ]),
    '',
    'Results go to stdout, everything else to stderr. Exit status: 0 done,',
    '1 refused with one line that says why, 2 wrong usage, 70 a fault of gram',
    'itself, 130 interrupted.',
    '',
  ].join('\n');
}

/** Returns the text of `gram GROUP`, for commands whose names begin with the same word. */
export function groupHelp(group: string, commands: readonly Named[]): string {
  return [
    `Usage: gram ${group} ACTION [FLAGS]`,
    '',
    ...columns(commands.map(({ name, summary }) => [name.slice(group.length + 1), summary] as const)),
    '',
    `See gram ${group} ACTION --help.`,
    '',
  ].join('\n');
}

/** Returns the text of `gram COMMAND --help`. */
export function commandHelp(
  { name, summary }: Named,
  { operands = {}, flags, settings = [], example, cost }: CommandUsage,
): string {
  const words = Object.values(operands);
  const rows = [
    ...words.map(({ value, help }) => [value, help] as const),
    ...Object.entries(flags).map(([flag, spec]) => [flagSyntax(flag, spec), flagHelp(spec)] as const),
  ];
  const usage = ['Usage: gram', name, ...words.map(operandSyntax), '[FLAGS]'].join(' ');
  return [
    summary,
    '',
    usage,
    '',
    ...columns([...rows, ['--help', 'print this text']]),
    '',
    ...(settings.length === 0 ? [] : ['Settings of the configuration:', '', ...columns(settings), '']),
    `Example: ${example}`,
    `Cost: ${cost}`,
    '',
  ].join('\n');
}

function operandSyntax({ value, isOptional }: Operand): string {
  return isOptional ? `[${value}]` : value;
}

function flagSyntax(name: string, { value, bare }: Flag): string {
  if (value === undefined) return `--${name}`;
  return bare === undefined ? `--${name} ${value}` : `--${name} [${value}]`;
}

function flagHelp({ help, required, multiple, choices }: Flag): string {
  const notes = [
    ...(required ? ['required'] : []),
    ...(multiple ? ['may be repeated'] : []),
    ...(choices === undefined ? [] : [`one of ${choices.join(', ')}`]),
  ];
  return notes.length === 0 ? help : `${help} (${notes.join('; ')})`;
}

/** Lays out two columns, the second one wrapped at spaces. */
function columns(rows: readonly (readonly [string, string])[]): string[] {
  const left = Math.max(...rows.map(([name]) => name.length)) + 4;
  return rows.flatMap(([name, text]) =>
    wrap(text, LINE_WIDTH - left).map((line, at) => (at === 0 ? `  ${name}` : '').padEnd(left) + line),
  );
}

function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + word.length >= width) {
      lines.push(line);
      line = word;
    } else {
      line = line === '' ? word : `${line} ${word}`;
    }
  }
  return [...lines, line];
}
