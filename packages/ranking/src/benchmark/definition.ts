import type { FileRecord } from '@gram/data';
import type { BenchmarkItem } from './item.js';
import type { BenchmarkResult, JudgedItem } from './judged-item.js';
import type { ScoreTable } from './score-table.js';

/** A data file of a benchmark. */
export interface DataFile {
  readonly path: string;
  /** Name without the extension; that of its folder where the file is called `dataset`, `test` or `task`. */
  readonly stem: string;
}

/** Square tables of a benchmark that compares kinds of chosen responses with the same kinds of rejected ones. */
export interface BenchmarkMatrices {
  readonly heading: string;
  /** Meaning of a row, a column and a cell. */
  readonly explanation: string;
  /** Names of the rows and of the columns. */
  readonly labels: readonly string[];
  /** Computes one matrix for each domain. */
  compute(results: readonly BenchmarkResult[]): readonly BenchmarkMatrix[];
}

/** One of the matrices that `BenchmarkMatrices` computes. */
export interface BenchmarkMatrix {
  readonly domain: string;
  readonly matrix: readonly (readonly number[])[];
}

/** Everything that is peculiar to one benchmark: how it is read, when an item is right, and which scores it reports. */
export interface BenchmarkDefinition {
  /** Name as its authors write it. */
  readonly title: string;
  /** Makes an item of a record; `dropped` for a record without a verdict. */
  parse(from: FileRecord, file: DataFile): BenchmarkItem | 'dropped';
  /** Makes one record of several. */
  join?(records: AsyncIterable<FileRecord>): AsyncIterable<FileRecord>;
  /** Names of the files in a folder that belong to the benchmark. @default all */
  readonly fileNames?: RegExp;
  /** Says how right a model is on an item, 0 to 1. @default `everyPairRight` */
  correctness?(item: JudgedItem): number;
  /** Computes the scores that the benchmark reports. */
  table(results: readonly BenchmarkResult[]): ScoreTable;
  readonly matrices?: BenchmarkMatrices;
}
