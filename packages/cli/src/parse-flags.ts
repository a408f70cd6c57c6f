import { parseArgs } from 'node:util';
import { closest } from 'fastest-levenshtein';
import type { Command, Flags, Operands, Values } from './command.js';
import { CliError } from './error.js';

/**
 * Reads the arguments of a command. Nothing is guessed: an unknown flag, a flag given twice, a missing value or operand, a
 * value where none is taken and a loose word are errors.
 *
 * @throws CliError `usage`
 */
export function parseFlags<F extends Flags, O extends Operands>(
  { name: command, flags, operands }: Pick<Command<F, O>, 'name' | 'flags' | 'operands'>,
  argv: readonly string[],
): Values<F> & { readonly [Name in keyof O]: string } {
  const values: Record<string, string | boolean | string[] | undefined> = {};
  for (const [name, flag] of Object.entries(flags)) {
    values[name] = flag.multiple ? [] : flag.value === undefined ? false : undefined;
  }
  const usage = (message: string, hint = `see gram ${command} --help`) =>
    new CliError('usage', message, hint);
  const { tokens } = parseArgs({
    args: withBareValues(flags, argv),
    options: Object.fromEntries(
      Object.entries(flags).map(([name, { value }]) => [
        name,
        { type: value === undefined ? ('boolean' as const) : ('string' as const), multiple: true },
      ]),
    ),
    strict: false,
    tokens: true,
  });
  const seen = new Set<string>();
  const wanted = Object.entries(operands ?? {});
  const words: string[] = [];
  for (const token of tokens) {
    if (token.kind === 'option-terminator') continue;
    if (token.kind === 'positional') {
      if (words.push(token.value) <= wanted.length) continue;
      throw usage(`there is a loose word ${JSON.stringify(token.value)}`);
    }
    const { name, rawName, value } = token;
    const flag = Object.hasOwn(flags, name) ? flags[name] : undefined;
    if (flag === undefined) {
      const nearest = closest(name, Object.keys(flags));
      throw usage(`gram ${command} has no flag ${rawName}`, `did you mean --${nearest}?`);
    }
    if (seen.has(name) && !flag.multiple) throw usage(`${rawName} is given twice`, 'give it once');
    seen.add(name);
    if (flag.value === undefined) {
      if (value !== undefined) throw usage(`${rawName} takes no value`);
      values[name] = true;
      continue;
    }
    // A flag after a flag that needs a value is a forgotten value and not a value.
    const forgotten = !token.inlineValue && value?.startsWith('--') && Object.hasOwn(flags, value.slice(2));
    if (value === undefined || forgotten) {
      throw usage(`${rawName} needs a value`, `write ${rawName} ${flag.value}`);
    }
    if (flag.choices !== undefined && !flag.choices.includes(value)) {
      throw usage(
        `${rawName} can not be ${JSON.stringify(value)}`,
        `did you mean ${closest(value, flag.choices)}? It is one of ${flag.choices.join(', ')}`,
      );
    }
    if (flag.multiple) (values[name] as string[]).push(value);
    else values[name] = value;
  }
  for (const [name, flag] of Object.entries(flags)) {
    if (flag.required && !seen.has(name)) throw usage(`--${name} is missing`, `add --${name} ${flag.value}`);
  }
  for (const [at, [name, { value }]] of wanted.entries()) {
    if (words[at] === undefined) throw usage(`${value} is missing`);
    values[name] = words[at];
  }
  return values as ReturnType<typeof parseFlags<F, O>>;
}

/** A whole number from a flag, at least `least`. */
export function wholeNumber(flag: string, value: string, least: number): number {
  const number = Number(value);
  if (/^\d+$/.test(value) && Number.isSafeInteger(number) && number >= least) return number;
  throw new CliError(
    'usage',
    `--${flag} can not be ${JSON.stringify(value)}`,
    `give a whole number of at least ${least}`,
  );
}

/** A number from a flag, with or without decimals. */
export function decimalNumber(flag: string, value: string): number {
  const number = Number(value);
  if (/^\d*\.?\d+$/.test(value) && Number.isFinite(number)) return number;
  throw new CliError('usage', `--${flag} can not be ${JSON.stringify(value)}`, 'give a number, such as 0.7');
}

/** A number from 0 to 1 from a flag. */
export function share(flag: string, value: string): number {
  const number = decimalNumber(flag, value);
  if (number <= 1) return number;
  throw new CliError('usage', `--${flag} can not be ${JSON.stringify(value)}`, 'give a number from 0 to 1');
}

/** Spells out the value of flags that may stand without one. */
function withBareValues(flags: Flags, argv: readonly string[]): string[] {
  return argv.map((word, at) => {
    const bare = word.startsWith('--') ? flags[word.slice(2)]?.bare : undefined;
    const next = argv[at + 1];
    return bare !== undefined && (next === undefined || next.startsWith('-')) ? `${word}=${bare}` : word;
  });
}
