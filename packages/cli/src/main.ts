import { closest } from 'fastest-levenshtein';
import type { Command, Io } from './command.js';
import { compareCommand } from './commands/compare.js';
import { convertCommand, mergeCommand } from './commands/convert.js';
import { doctorCommand } from './commands/doctor.js';
import { evaluateCommand } from './commands/eval.js';
import {
  dpoCommand,
  finetuneCommand,
  pretrainCommand,
  sftCommand,
  trainRmCommand,
} from './commands/finetune.js';
import { generateCommand } from './commands/generate.js';
import { inspectCommand } from './commands/inspect.js';
import { rankCommand } from './commands/rank.js';
import { scoreCommand } from './commands/score.js';
import { serveCommand } from './commands/serve.js';
import { CliError } from './error.js';
import { commandHelp, generalHelp } from './help.js';
import { parseFlags } from './parse-flags.js';
import { ownVersion } from './version.js';

const commands = [
  pretrainCommand,
  finetuneCommand,
  sftCommand,
  dpoCommand,
  trainRmCommand,
  mergeCommand,
  evaluateCommand,
  compareCommand,
  scoreCommand,
  rankCommand,
  serveCommand,
  generateCommand,
  inspectCommand,
  convertCommand,
  doctorCommand,
] as unknown as readonly Command[];

/**
 * Runs `gram` with the given arguments and returns its exit status: 0 done, 1 refused, 2 wrong usage, 70 a fault of gram
 * itself, 130 interrupted. Everything that goes wrong is one line on stderr, `gram: MESSAGE; HINT`; only a fault prints
 * its stack.
 *
 * @param argv the words after `gram`
 */
export async function main(argv: readonly string[], io: Io): Promise<number> {
  try {
    await dispatch(argv, io);
    return 0;
  } catch (error) {
    if (io.signal.aborted && !(error instanceof CliError)) {
      io.stderr.write('gram: interrupted; nothing was left half-written\n');
      return 130;
    }
    if (isExpected(error)) {
      io.stderr.write(`gram: ${oneLine(error.message)}; ${oneLine(error.hint)}\n`);
      if (!(error instanceof CliError)) return 1;
      return error.code === 'usage' ? 2 : error.code === 'interrupted' ? 130 : 1;
    }
    io.stderr.write(`gram: unexpected error\n${error instanceof Error ? error.stack : String(error)}\n`);
    return 70;
  }
}

async function dispatch([name, ...argv]: readonly string[], io: Io): Promise<void> {
  if (name === undefined || name === '--help' || name === '-h') {
    io.stdout.write(generalHelp(commands));
    return;
  }
  if (name === '--version') {
    io.stdout.write(`${ownVersion()}\n`);
    return;
  }
  const command = commands.find((candidate) => candidate.name === name);
  if (command === undefined) {
    const nearest = closest(
      name,
      commands.map((candidate) => candidate.name),
    );
    throw new CliError(
      'usage',
      `there is no command ${JSON.stringify(name)}`,
      `did you mean gram ${nearest}?`,
    );
  }
  if (argv.includes('--help') || argv.includes('-h')) {
    io.stdout.write(commandHelp(command));
    return;
  }
  await command.run(parseFlags(command, argv), io);
}

/** An error of one of the packages: it says what to do. */
function isExpected(error: unknown): error is Error & { code: string; hint: string } {
  return (
    error instanceof Error &&
    typeof (error as { code?: unknown }).code === 'string' &&
    typeof (error as { hint?: unknown }).hint === 'string'
  );
}

function oneLine(text: string): string {
  return text.replace(/\s*[\r\n]+\s*/g, ' ').trim();
}
