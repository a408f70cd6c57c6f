import type { GraphType } from './model.js';

/** An input or output of an operator. */
export interface Operand {
  readonly name: string;
  /** A type variable, which stands for one type throughout a node, or the types that are allowed. */
  readonly type: string | readonly GraphType[];
  /** Allows the operand to be absent: left out at the end, or an empty name before others. */
  readonly optional?: boolean;
  /** Allows any number of operands. Only the last operand is variadic. */
  readonly variadic?: boolean;
}

/** Inputs, outputs and attributes of an operator. */
export interface OperatorSignature {
  readonly inputs: readonly Operand[];
  readonly outputs: readonly Operand[];
  /** The smallest and the largest number of them. */
  readonly inputCount: readonly [number, number];
  /** The smallest and the largest number of them. */
  readonly outputCount: readonly [number, number];
  /** Types that each type variable may stand for. */
  readonly types: Readonly<Record<string, readonly GraphType[]>>;
  readonly attributes: Readonly<
    Record<
      string,
      { readonly kind: 'int' | 'float' | 'string' | 'ints' | 'tensor'; readonly required?: boolean }
    >
  >;
}

/** Signatures by operator. */
export type OperatorTable = Readonly<Record<string, OperatorSignature>>;
