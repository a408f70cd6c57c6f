/** One flag of a command. */
export interface Flag {
  /** Name of the value in the help; a flag without it takes no value. */
  readonly value?: string;
  /** Phrase in lower case without a full stop. */
  readonly help: string;
  readonly required?: boolean;
  /** Whether the flag may be given more than once; its value is then a list. */
  readonly multiple?: boolean;
  /** Values that are allowed. */
  readonly choices?: readonly string[];
  /** Value of a flag that is given without one. */
  readonly bare?: string;
}

/** A word of a command without a flag. */
export interface Operand {
  /** Name of the word in the help. */
  readonly value: string;
  /** Phrase in lower case without a full stop. */
  readonly help: string;
  /** Whether the word may be missing. Only the last ones may. @default false */
  readonly isOptional?: boolean;
}

/** Operands of a command by name, in their order. */
export type Operands = Readonly<Record<string, Operand>>;

/** Flags of a command by name, without the dashes. */
export type Flags = Readonly<Record<string, Flag>>;

type FlagValue<F extends Flag> = F extends { readonly value: string }
  ? F extends { readonly multiple: true }
    ? readonly string[]
    : F extends { readonly required: true }
      ? string
      : string | undefined
  : boolean;

/** Values of flags: a text, a list of texts, or whether the flag was given. */
export type Values<F extends Flags> = { readonly [Name in keyof F]: FlagValue<F[Name]> };

/** Values of the flags and operands of a command. */
export type Arguments<F extends Flags, O extends Operands> = Values<F> & {
  readonly [Name in keyof O]: O[Name] extends { readonly isOptional: true } ? string | undefined : string;
};
