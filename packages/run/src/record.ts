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

/** A number of a step; NaN where the step has none. `rewards.judge` is the number `judge` of its group `rewards`. */
export function numberOf(record: StepRecord, name: string): number {
  const value = fieldOf(record, name);
  return typeof value === 'number' ? value : Number.NaN;
}

/** Whether a step has a number of a name, be it finite or not. */
export function hasNumber(record: StepRecord, name: string): boolean {
  return fieldOf(record, name) !== undefined;
}

function fieldOf(record: StepRecord, name: string): number | Numbers | undefined {
  const [group, inner] = name.split('.', 2);
  if (inner === undefined) return record[name];
  const numbers = record[group ?? ''];
  return typeof numbers === 'object' ? numbers[inner] : undefined;
}

/** A number of the evaluation after a step; NaN where there is none. */
export function evaluated({ validation }: StepRecord, name: string): number {
  return validation?.[name] ?? Number.NaN;
}
