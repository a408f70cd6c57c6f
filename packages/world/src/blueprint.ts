import type { Random } from '@gram/base';
import type { Answer, FormatName } from './language/format.js';
import type { Rubric } from './oracle/oracle.js';

/** A task of a family before it gets a format: the question, its rubric, and answers of three grades. */
export interface Blueprint {
  readonly question: string;
  /** Formats that the prompt may ask for. */
  readonly formats: readonly FormatName[];
  readonly rubric: Rubric;
  right(random: Random): Answer;
  partial(random: Random): Answer;
  wrong(random: Random): Answer;
}

/** A kind of task. `draw` reads all its choices from the stream. */
export interface Family {
  readonly name: string;
  draw(random: Random): Blueprint;
}
