import { DataError, type FileRecord, readRecords } from '@gram/data';
import type { BenchmarkDefinition, DataFile } from '../benchmark/definition.js';
import type { BenchmarkItem } from '../benchmark/item.js';
import { type BenchmarkName, benchmarkNames, benchmarks } from '../benchmarks/benchmarks.js';
import { dataFiles } from './files.js';

/** A benchmark as `readBenchmark` returns it. */
export interface Benchmark {
  readonly name: BenchmarkName;
  readonly items: readonly BenchmarkItem[];
  /** Number of records without a verdict, which the benchmark leaves out: ties, or second turns. */
  readonly dropped: number;
}

/**
 * Reads a benchmark in the form in which it is published.
 *
 * @example
 * const benchmark = await readBenchmark('RM-Bench/data', 'rm-bench');
 *
 * @param path a `.json` or `.jsonl` file, gzipped or not, or a folder of such files; a folder is read in the order of the names
 * @throws {DataError} `unknown-format`, `bad-record` (names the field, the record and the file; also for an id that occurs
 * twice, and where there is no item at all), `too-large`, and the errors of `readRecords`
 */
export async function readBenchmark(path: string, name: BenchmarkName): Promise<Benchmark> {
  const definition = definitionOf(name);
  const files = await dataFiles(path);
  const chosen = files.length === 1 ? files : files.filter(({ stem }) => belongs(definition, stem));
  const items: BenchmarkItem[] = [];
  const positions = new Map<string, string>();
  let dropped = 0;
  for (const file of chosen) {
    for await (const from of recordsOf(definition, file)) {
      const item = definition.parse(from, file);
      if (item === 'dropped') {
        dropped++;
        continue;
      }
      checkNew(item.id, from.where, positions.get(item.id));
      positions.set(item.id, from.where);
      items.push(item);
    }
  }
  if (items.length > 0) return { name, items, dropped };
  throw new DataError(
    'bad-record',
    `${path} holds no item of ${name}`,
    'give the file of the benchmark, or the folder of its files',
  );
}

function definitionOf(name: BenchmarkName): BenchmarkDefinition {
  if (Object.hasOwn(benchmarks, name)) return benchmarks[name];
  throw new DataError(
    'unknown-format',
    `there is no benchmark ${JSON.stringify(name)}`,
    `use one of these: ${benchmarkNames.join(', ')}`,
  );
}

function belongs({ fileNames }: BenchmarkDefinition, stem: string): boolean {
  return fileNames === undefined || fileNames.test(stem);
}

function recordsOf(definition: BenchmarkDefinition, file: DataFile): AsyncIterable<FileRecord> {
  const records = readRecords(file.path);
  return definition.join?.(records) ?? records;
}

function checkNew(id: string, where: string, before: string | undefined): void {
  if (before === undefined) return;
  throw new DataError(
    'bad-record',
    `${where} and ${before} are both item ${JSON.stringify(id)}`,
    'remove one of them; a folder must hold each part of the benchmark once',
  );
}
