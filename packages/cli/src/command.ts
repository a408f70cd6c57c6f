/** Where a command writes, and what ends it early. */
export interface Io {
  /** Results. */
  readonly stdout: { write(text: string): unknown };
  /** Everything else: progress, notes and errors. */
  readonly stderr: NodeJS.WriteStream;
  /** Aborted on Ctrl-C. */
  readonly signal: AbortSignal;
}

/** One flag of a command. */
export interface Flag {
  /** Names the value in the help; a flag without it takes none. */
  readonly value?: string;
  readonly help: string;
  readonly required?: boolean;
  /** Whether it may be given more than once; the value is then a list. */
  readonly multiple?: boolean;
  /** The values that are allowed. */
  readonly choices?: readonly string[];
  /** The value where the flag is given without one. */
  readonly bare?: string;
}

/** A word that a command needs, without a flag. */
export interface Operand {
  /** Names the word in the help. */
  readonly value: string;
  readonly help: string;
}

/** The operands of a command by name, in their order. */
export type Operands = Readonly<Record<string, Operand>>;

/** The flags of a command by name, without the dashes. */
export type Flags = Readonly<Record<string, Flag>>;

type FlagValue<F extends Flag> = F extends { readonly value: string }
  ? F extends { readonly multiple: true }
    ? readonly string[]
    : F extends { readonly required: true }
      ? string
      : string | undefined
  : boolean;

/** The values of flags: text, a list of texts, or whether it was given. */
export type Values<F extends Flags> = { readonly [Name in keyof F]: FlagValue<F[Name]> };

/** A command of `gram`. */
export interface Command<F extends Flags = Flags, O extends Operands = Operands> {
  readonly name: string;
  /** One sentence. */
  readonly summary: string;
  /** @default none */
  readonly operands?: O;
  readonly flags: F;
  /** What to type, and what it costs; shown in the help. */
  readonly example: string;
  readonly cost: string;
  run(values: Values<F> & { readonly [Name in keyof O]: string }, io: Io): Promise<void>;
}

/** Lets the types of a command's values follow from its flags. */
export function defineCommand<const F extends Flags, const O extends Operands = Record<never, Operand>>(
  command: Command<F, O>,
): Command<F, O> {
  return command;
}
