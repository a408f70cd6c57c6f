import { conversationText } from '@gram/base';
import {
  createDuplicateFinder,
  type DataRecord,
  garbleOf,
  type LanguageDetector,
  type OverlapFinder,
  promptDigest,
  responsesOf,
  textsOf,
} from '@gram/data';

/** Quantiles of lengths. */
export interface LengthSummary {
  readonly count: number;
  readonly mean: number;
  readonly median: number;
  /** 90th and 99th percentiles. */
  readonly p90: number;
  readonly p99: number;
  readonly most: number;
  /** Number of lengths above 2^(k - 1) and at most 2^k, for each k from 0; those of 0 are with k = 0. */
  readonly bins: readonly number[];
}

/** Number of records with one name. */
export interface NameCount {
  readonly name: string;
  readonly records: number;
}

/** Lengths of the parts of records in one unit. */
export interface PartLengths {
  readonly prompt: LengthSummary;
  readonly response: LengthSummary;
  /** The prompt and all responses of a record together. */
  readonly record: LengthSummary;
}

/** The measurements of `gram data stats`. */
export interface DataStatistics {
  readonly records: number;
  readonly responses: number;
  readonly prompts: number;
  /** Number of records by source, task or subset; records without one are left out. */
  readonly families: readonly NameCount[];
  readonly languages: readonly NameCount[];
  readonly characters: PartLengths;
  /** Null without a tokenizer. */
  readonly tokens: PartLengths | null;
  /** Number of records with a damaged text, by the kind of the damage. */
  readonly damaged: readonly NameCount[];
  /** Number of records that repeat an earlier one, or prefer the other response of the same pair. */
  readonly repeated: readonly NameCount[];
  /** Share of judged pairs whose chosen response is the longer one, of those of different lengths; null without any. */
  readonly chosenLonger: number | null;
}

/** The tools of a measurement. */
export interface MeasureOptions {
  readonly detect: LanguageDetector;
  /** Whether the tokens of texts are given. @default false */
  readonly countsTokens?: boolean | undefined;
  readonly finder?: OverlapFinder | undefined;
}

/** Measures records as they pass. */
export interface Measurement {
  /** @param tokenCounts the tokens of each text of the record */
  add(record: DataRecord, tokenCounts?: readonly number[]): void;
  result(): DataStatistics;
}

/** Starts a measurement. It remembers the lengths of each record and hashes of its texts. */
export function createMeasurement({ detect, countsTokens = false, finder }: MeasureOptions): Measurement {
  const families = new Map<string, number>();
  const languages = new Map<string, number>();
  const damaged = new Map<string, number>();
  const repeated = new Map<string, number>();
  const prompts = new Set<string>();
  const characters = createLengths();
  const tokens = createLengths();
  const repetitionOf = createDuplicateFinder();
  const longer = { chosen: 0, rejected: 0 };
  let records = 0;
  let responses = 0;
  return {
    add(record, tokenCounts) {
      records++;
      const texts = textsOf(record);
      responses += responsesOf(record).length;
      prompts.add(promptDigest(record));
      if ('family' in record && record.family !== undefined) count(families, record.family);
      count(languages, detect(texts.join('\n')) ?? 'not told');
      const damage = texts.map(garbleOf).find((reason) => reason !== undefined);
      if (damage !== undefined) count(damaged, damage);
      const repetition = repetitionOf(record);
      if (repetition !== undefined) count(repeated, repetition);
      characters.add(texts.map((text) => text.length));
      if (tokenCounts !== undefined) tokens.add(tokenCounts);
      if ('chosen' in record) {
        const [chosen, rejected] = [record.chosen, record.rejected].map(
          (one) => conversationText(one).length,
        );
        if ((chosen ?? 0) > (rejected ?? 0)) longer.chosen++;
        if ((chosen ?? 0) < (rejected ?? 0)) longer.rejected++;
      }
      finder?.look(record);
    },
    result() {
      const decided = longer.chosen + longer.rejected;
      return {
        records,
        responses,
        prompts: prompts.size,
        families: byCount(families),
        languages: byCount(languages),
        characters: characters.summary(),
        tokens: countsTokens ? tokens.summary() : null,
        damaged: byCount(damaged),
        repeated: byCount(repeated),
        chosenLonger: decided === 0 ? null : longer.chosen / decided,
      };
    },
  };
}

function createLengths() {
  const prompt: number[] = [];
  const response: number[] = [];
  const record: number[] = [];
  return {
    /** @param sizes of the prompt, then of each response */
    add(sizes: readonly number[]) {
      const [first = 0, ...others] = sizes;
      prompt.push(first);
      response.push(...others);
      record.push(sizes.reduce((sum, size) => sum + size, 0));
    },
    summary: (): PartLengths => ({
      prompt: summaryOf(prompt),
      response: summaryOf(response),
      record: summaryOf(record),
    }),
  };
}

/** The smallest value that a share of the values does not exceed, by their order. */
function summaryOf(values: readonly number[]): LengthSummary {
  const sorted = Float64Array.from(values).sort();
  const quantile = (share: number) => sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? 0;
  return {
    count: sorted.length,
    mean: sorted.length === 0 ? 0 : sorted.reduce((sum, value) => sum + value, 0) / sorted.length,
    median: quantile(0.5),
    p90: quantile(0.9),
    p99: quantile(0.99),
    most: quantile(1),
    bins: binsOf(sorted),
  };
}

function binsOf(sorted: Float64Array): number[] {
  const bins: number[] = [];
  for (const value of sorted) {
    const bin = Math.ceil(Math.log2(Math.max(1, value)));
    while (bins.length <= bin) bins.push(0);
    bins[bin] = (bins[bin] ?? 0) + 1;
  }
  return bins;
}

function count(counts: Map<string, number>, name: string): void {
  counts.set(name, (counts.get(name) ?? 0) + 1);
}

/** Counts from the largest to the smallest. */
function byCount(counts: ReadonlyMap<string, number>): readonly NameCount[] {
  return [...counts].map(([name, records]) => ({ name, records })).toSorted((a, b) => b.records - a.records);
}
