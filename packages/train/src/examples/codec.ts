/** Length and weight of examples, as their objective counts them. */
export interface ExampleMeasure<Example> {
  /** Length of the longest sequence, in tokens. */
  length(example: Example): number;
  /** How much an example counts: supervised tokens, or 1 for a pair. */
  weight(example: Example): number;
}

/** An example as lists of whole numbers below 2^31, which are ids for the most part, and as other numbers. */
export interface PlainExample {
  readonly lists: readonly (readonly number[])[];
  readonly numbers: readonly number[];
}

/** Writes examples of one kind as plain ones, and reads them again. */
export interface ExampleCodec<Example> extends ExampleMeasure<Example> {
  /** Name of the kind. */
  readonly name: string;
  /** Number of lists, and of numbers, of each example. */
  readonly lists: number;
  readonly numbers: number;
  write(example: Example): PlainExample;
  read(plain: PlainExample): Example;
}
