import { DataError } from '../error.js';
import { unknownFormat } from '../readers/preferences.js';
import { type FileRecord, readRecords } from '../readers/records.js';
import { type DataFile, dataFiles } from './files.js';
import type { BenchmarkItem } from './item.js';
import { joinedRmBench, rewardBench2Item, rmBenchItem, rmbItem } from './lists.js';
import {
  hhhItem,
  judgeBenchItem,
  llmBarItem,
  mtBenchItem,
  pandaLmItem,
  rewardBenchItem,
  unifiedFeedbackItem,
} from './pairs.js';

interface Reader {
  readonly parse: (from: FileRecord, file: DataFile) => BenchmarkItem | 'dropped';
  /** Makes of several records one. */
  readonly join?: (records: AsyncIterable<FileRecord>) => AsyncIterable<FileRecord>;
  /** Files of a folder that belong to the benchmark; all where it is undefined. */
  readonly belongs?: RegExp;
}

/** Parts of file names that tell the subsets of LLMBar, and the names of these. */
const llmBarNames = /natural|neighbor|gptinst|gptout|manual/i;
const llmBarSubsets: Readonly<Record<string, string>> = {
  natural: 'natural',
  neighbor: 'adver-neighbor',
  gptinst: 'adver-GPTInst',
  gptout: 'adver-GPTOut',
  manual: 'adver-manual',
};

const readers = {
  'reward-bench': { parse: rewardBenchItem },
  'reward-bench-2': { parse: rewardBench2Item },
  'rm-bench': { parse: rmBenchItem, join: joinedRmBench },
  'judge-bench': { parse: judgeBenchItem },
  // The folder that LLMBar publishes also holds other sets in the same form.
  llmbar: {
    parse: (from, file) => llmBarItem(from, { ...file, stem: llmBarSubset(file) }),
    belongs: llmBarNames,
  },
  hhh: { parse: hhhItem },
  rmb: { parse: rmbItem },
  pandalm: { parse: pandaLmItem },
  'mt-bench': { parse: mtBenchItem, belongs: /mt.?bench/i },
  'unified-feedback': { parse: unifiedFeedbackItem },
} as const satisfies Record<string, Reader>;

/** Name of a benchmark; `benchmarkNames` lists them. */
export type BenchmarkName = keyof typeof readers;

/** The benchmarks that `readBenchmark` reads. Their formats stand above the parsers in this folder and in the README. */
export const benchmarkNames = Object.keys(readers) as readonly BenchmarkName[];

/** A benchmark as `readBenchmark` returns it. */
export interface Benchmark {
  readonly name: BenchmarkName;
  readonly items: readonly BenchmarkItem[];
  /** Records without a verdict, which the benchmark leaves out: ties, or second turns. */
  readonly dropped: number;
}

/**
 * Reads a benchmark in the form in which it is published.
 *
 * @param path a `.json` or `.jsonl` file, gzipped or not, or a folder of such files; a folder is read in the order of the names
 * @throws {DataError} `unknown-format`, `bad-record` (names the field, the record and the file; also for an id that occurs
 * twice, and where there is no item at all), `too-large`, and the errors of `readRecords`
 */
export async function readBenchmark(path: string, name: BenchmarkName): Promise<Benchmark> {
  if (!Object.hasOwn(readers, name)) throw unknownFormat(name, benchmarkNames);
  const { parse, join, belongs }: Reader = readers[name];
  const files = await dataFiles(path);
  const chosen =
    files.length === 1 ? files : files.filter((file) => belongs === undefined || belongs.test(file.stem));
  const items: BenchmarkItem[] = [];
  const places = new Map<string, string>();
  let dropped = 0;
  for (const file of chosen) {
    const records = readRecords(file.path);
    for await (const from of join?.(records) ?? records) {
      const item = parse(from, file);
      if (item === 'dropped') {
        dropped++;
        continue;
      }
      const before = places.get(item.id);
      if (before !== undefined) {
        throw new DataError(
          'bad-record',
          `${from.where} and ${before} are both item ${JSON.stringify(item.id)}`,
          'Remove one of them; a folder must hold each part of the benchmark once.',
        );
      }
      places.set(item.id, from.where);
      items.push(item);
    }
  }
  if (items.length === 0) {
    throw new DataError(
      'bad-record',
      `${path} holds no item of ${name}`,
      'Give the file of the benchmark, or the folder of its files.',
    );
  }
  return { name, items, dropped };
}

function llmBarSubset({ path, stem }: DataFile): string {
  const subset = llmBarSubsets[llmBarNames.exec(stem)?.[0].toLowerCase() ?? ''];
  if (subset !== undefined) return subset;
  throw new DataError(
    'bad-record',
    `can not tell which subset of LLMBar ${path} is`,
    'Name the file as it was published: natural, adver-neighbor, adver-GPTInst, adver-GPTOut or adver-manual.',
  );
}
