import { parseArgs } from 'node:util';
import { quote } from '@gram/base';
import { CliError } from './error.js';
import type { Arguments, Flag, Flags, Operands } from './flags.js';
import { nearest } from './nearest.js';

type Value = string | boolean | string[] | undefined;
type Usage = (message: string, hint?: string) => CliError;

/**
 * Reads the arguments of a command. Nothing is guessed: an unknown flag, a flag given twice, a missing value or operand, a
 * value where none is taken and an unexpected word are errors.
 *
 * @param command the name of the command, for errors
 * @throws {CliError} `usage`
 */
export function parseFlags<F extends Flags, O extends Operands>(
  command: string,
  { flags, operands }: { readonly flags: F; readonly operands?: O },
  argv: readonly string[],
): Arguments<F, O> {
  const usage: Usage = (message, hint = `see gram ${command} --help`) => new CliError('usage', message, hint);
  const values = Object.fromEntries(
    Object.entries(flags).map(([name, flag]): [string, Value] => [name, absentValue(flag)]),
  );
  const expected = Object.entries(operands ?? {});
  const words: string[] = [];
  const seen = new Set<string>();
  for (const token of tokensOf(flags, argv)) {
    if (token.kind === 'option-terminator') continue;
    if (token.kind === 'positional') {
      if (words.push(token.value) <= expected.length) continue;
      throw usage(`unexpected argument ${quote(token.value)}`);
    }
    const { name, rawName } = token;
    const flag = Object.hasOwn(flags, name) ? flags[name] : undefined;
    if (flag === undefined) {
      const near = nearest(name, Object.keys(flags));
      throw usage(`gram ${command} has no flag ${rawName}`, near && `did you mean --${near}?`);
    }
    if (seen.has(name) && !flag.multiple) throw usage(`${rawName} is given twice`, 'give it once');
    seen.add(name);
    const value = readValue(flag, token, flags, usage);
    const list = values[name];
    if (Array.isArray(list)) list.push(String(value));
    else values[name] = value;
  }
  for (const [name, flag] of Object.entries(flags)) {
    if (flag.required && !seen.has(name)) throw usage(`--${name} is missing`, `add --${name} ${flag.value}`);
  }
  for (const [at, [name, { value, isOptional }]] of expected.entries()) {
    if (words[at] === undefined && !isOptional) throw usage(`${value} is missing`);
    values[name] = words[at];
  }
  // Each flag and each operand has a value of its kind by now.
  return values as Arguments<F, O>;
}

function absentValue(flag: Flag): Value {
  if (flag.multiple) return [];
  return flag.value === undefined ? false : undefined;
}

interface OptionToken {
  readonly rawName: string;
  readonly value?: string;
  readonly inlineValue?: boolean;
}

/** The value that a flag was given, checked against its choices. */
function readValue(
  flag: Flag,
  { rawName, value, inlineValue }: OptionToken,
  flags: Flags,
  usage: Usage,
): string | true {
  if (flag.value === undefined) {
    if (value !== undefined) throw usage(`${rawName} takes no value`);
    return true;
  }
  // A flag after a flag that requires a value is a forgotten value and not a value.
  const forgotten = !inlineValue && value?.startsWith('--') && Object.hasOwn(flags, value.slice(2));
  if (value === undefined || forgotten) {
    throw usage(`${rawName} needs a value`, `write ${rawName} ${flag.value}`);
  }
  const { choices } = flag;
  if (choices !== undefined && !choices.includes(value)) {
    const near = nearest(value, choices);
    const suggestion = near === undefined ? '' : `did you mean ${near}? `;
    throw usage(`${rawName} cannot be ${quote(value)}`, `${suggestion}give one of ${choices.join(', ')}`);
  }
  return value;
}

function tokensOf(flags: Flags, argv: readonly string[]) {
  const options = Object.fromEntries(
    Object.entries(flags).map(([name, { value }]) => [
      name,
      { type: value === undefined ? ('boolean' as const) : ('string' as const), multiple: true },
    ]),
  );
  return parseArgs({ args: withBareValues(flags, argv), options, strict: false, tokens: true }).tokens;
}

/** Spells out the value of flags that may stand without one. */
function withBareValues(flags: Flags, argv: readonly string[]): string[] {
  return argv.map((word, at) => {
    const bare = word.startsWith('--') ? flags[word.slice(2)]?.bare : undefined;
    const next = argv[at + 1];
    return bare !== undefined && (next === undefined || next.startsWith('-')) ? `${word}=${bare}` : word;
  });
}

/** A whole number from a flag, at least `least`. */
export function wholeNumber(flag: string, value: string, least: number): number {
  const number = Number(value);
  if (/^\d+$/.test(value) && Number.isSafeInteger(number) && number >= least) return number;
  throw refused(flag, value, `give a whole number of at least ${least}`);
}

/** A number from a flag, with or without decimals. */
export function decimalNumber(flag: string, value: string): number {
  const number = Number(value);
  if (/^\d*\.?\d+$/.test(value) && Number.isFinite(number)) return number;
  throw refused(flag, value, 'give a number, such as 0.7');
}

/** A number from 0 to 1 from a flag. */
export function share(flag: string, value: string): number {
  const number = decimalNumber(flag, value);
  if (number <= 1) return number;
  throw refused(flag, value, 'give a number from 0 to 1');
}

function refused(flag: string, value: string, hint: string): CliError {
  return new CliError('usage', `--${flag} cannot be ${quote(value)}`, hint);
}
