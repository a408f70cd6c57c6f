import { createOverlapIndex, type OverlapIndex } from '../text/overlap-index.js';
import { type DataRecord, questionsOf, textsOf } from './record-texts.js';
import { type Step, screen } from './step.js';

/** Records on which models are evaluated, whose prompts must not be trained on. */
export interface EvaluationSet {
  readonly name: string;
  readonly records: Iterable<DataRecord> | AsyncIterable<DataRecord>;
}

/** Overlap of data with one evaluation set. */
export interface SetOverlap {
  readonly name: string;
  /** Number of different prompts of the evaluation set. */
  readonly prompts: number;
  /** Number of them that the data have: with an equal prompt, and otherwise with most of their runs of words. */
  readonly equal: number;
  readonly near: number;
  /** Number of records of the data that have a prompt of the set. */
  readonly records: number;
  /** The first pairs of what overlaps. */
  readonly examples: readonly {
    readonly prompt: string;
    readonly record: string;
    readonly isEqual: boolean;
  }[];
}

/** Finds the overlaps of records with evaluation sets. */
export interface OverlapFinder {
  /** Counts a record, and lists the names of the evaluation sets that it overlaps. */
  look(record: DataRecord): readonly string[];
  /** The overlaps with each evaluation set so far. */
  readonly overlaps: readonly SetOverlap[];
}

const MOST_EXAMPLES = 10;

/**
 * Reads the prompts of evaluation sets to find them in data: a turn of a user, or a conversation from its start, that equals a prompt
 * but for case and white space; or a record that holds at least 80 % of the runs of 8 words of a prompt, anywhere. See
 * `createOverlapIndex` for the rule. It remembers the evaluation sets, and nothing of the data.
 */
export async function createOverlapFinder(sets: readonly EvaluationSet[]): Promise<OverlapFinder> {
  const trackers = await Promise.all(
    sets.map(async ({ name, records }) => {
      const prompts: string[] = [];
      for await (const record of records) prompts.push(questionsOf(record).join('\n'));
      return trackOverlaps(name, createOverlapIndex(prompts));
    }),
  );
  return {
    look(record) {
      const questions = questionsOf(record);
      const openings = questions.map((_, at) => questions.slice(0, at + 1).join('\n'));
      const whole = textsOf(record).join('\n');
      return trackers
        .filter((tracker) => tracker.look([...questions, ...openings], whole))
        .map(({ name }) => name);
    },
    get overlaps() {
      return trackers.map((tracker) => tracker.overlap());
    },
  };
}

function trackOverlaps(name: string, index: OverlapIndex) {
  const equal = new Set<number>();
  const near = new Set<number>();
  const examples: SetOverlap['examples'][number][] = [];
  let records = 0;
  return {
    name,
    look(candidates: readonly string[], whole: string): boolean {
      const found = index.find(candidates, whole);
      for (const { at, isEqual } of found) {
        (isEqual ? equal : near).add(at);
        if (examples.length < MOST_EXAMPLES) {
          examples.push({ prompt: index.texts[at] ?? '', record: whole, isEqual });
        }
      }
      records += found.length > 0 ? 1 : 0;
      return found.length > 0;
    },
    overlap(): SetOverlap {
      const nearAlone = [...near].filter((at) => !equal.has(at)).length;
      return { name, prompts: index.size, equal: equal.size, near: nearAlone, records, examples };
    },
  };
}

/** Leaves out records that overlap evaluation sets, whose names are the reasons; the finder has the report. */
export function decontaminate<Item extends DataRecord>(finder: OverlapFinder): Step<Item> {
  return screen('decontamination', (record) => {
    const names = finder.look(record);
    return names.length === 0 ? undefined : `in ${names.join(' and ')}`;
  });
}
