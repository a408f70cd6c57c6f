import type { Arguments, Flags, Operand, Operands } from './flags.js';
import { parseFlags } from './parse-flags.js';

/** Streams that a command writes to, and the signal that ends it early. */
export interface Io {
  /** Results. */
  readonly stdout: { write(text: string): unknown };
  /** Everything else: progress, notes and errors. */
  readonly stderr: NodeJS.WriteStream;
  /** Aborted on Ctrl-C and SIGTERM. */
  readonly signal: AbortSignal;
}

/** Usage of a command. Its name and summary stand in the table of commands. */
export interface CommandUsage {
  /** @default none */
  readonly operands?: Operands;
  readonly flags: Flags;
  /** Settings of a configuration that the command reads, and what each means. @default none */
  readonly settings?: readonly (readonly [string, string])[];
  /** A command line to type. */
  readonly example: string;
  /** Cost of the command in time and memory, as a phrase. */
  readonly cost: string;
}

/** A command of `gram`, whatever its flags are. */
export interface Command extends CommandUsage {
  /**
   * Reads the words after the name of the command and runs it.
   *
   * @throws {CliError} `usage` where the words are not what the command takes
   */
  start(name: string, argv: readonly string[], io: Io): Promise<void>;
}

/** A command whose values are typed by its flags and operands. */
export interface CommandDefinition<F extends Flags, O extends Operands> extends CommandUsage {
  readonly operands?: O;
  readonly flags: F;
  run(values: Arguments<F, O>, io: Io): Promise<void>;
}

/** Defines a command; the types of its values follow from its flags and operands. */
export function defineCommand<const F extends Flags, const O extends Operands = Record<never, Operand>>(
  definition: CommandDefinition<F, O>,
): Command & CommandDefinition<F, O> {
  return {
    ...definition,
    start: (name, argv, io) => definition.run(parseFlags(name, definition, argv), io),
  };
}
