/** Numbers by name; one that was not measured is absent. */
export type Numbers = { readonly [name: string]: number | undefined };

/** One step as it is logged: named numbers and, where it was evaluated after the step, those of the evaluation. */
export type StepRecord = {
  /** Number of the step, from 1; 0 stands for an evaluation before the first step. */
  readonly step: number;
  /** Tokens of the step, padding left out. */
  readonly tokens?: number;
  /** Numbers of the data that is held out, where it was measured after this step. */
  readonly validation?: Numbers;
  readonly [name: string]: number | Numbers | undefined;
};

/** A number of a step; NaN where the step has none. */
export function numberOf(record: StepRecord, name: string): number {
  const value = record[name];
  return typeof value === 'number' ? value : Number.NaN;
}

/** A number of the evaluation after a step; NaN where there is none. */
export function evaluated({ validation }: StepRecord, name: string): number {
  return validation?.[name] ?? Number.NaN;
}
