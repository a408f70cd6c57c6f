import {
  type ArraySpec,
  bytesPerElement,
  emptyArray,
  isNDArray,
  type NDArray,
  sizeOf,
} from '../arrays/array.js';
import type { AnyArray } from '../arrays/device-array.js';
import { fileOf } from '../arrays/file-array.js';
import { EngineError } from '../error.js';
import type { GatheredRows } from '../onnx/gathered-rows.js';
import { evaluateDimension, type Inputs } from './device.js';

/** Smallest table of which rows are read here, in bytes: the runtime finds those of a smaller one itself. */
const SMALLEST_TABLE = 2 ** 20;

/** Names of the constants that are large tables in files. Windows keeps a file that is open from being replaced. */
export function largeTables(constants: ReadonlyMap<string, AnyArray>): Set<string> {
  if (process.platform === 'win32') return new Set();
  const isLarge = ({ shape, dtype }: ArraySpec) => sizeOf(shape) * bytesPerElement[dtype] >= SMALLEST_TABLE;
  const tables = [...constants].filter(([, array]) => fileOf(array) !== undefined && isLarge(array));
  return new Set(tables.map(([path]) => path));
}

/**
 * Reads the rows of tables that a graph takes in a run, by the names of its inputs.
 *
 * @throws {EngineError} `bad-array` for a row that a table does not have, `bad-file`
 */
export function readRows(
  wanted: readonly GatheredRows[],
  constants: ReadonlyMap<string, AnyArray>,
  { inputs, sizes }: { readonly inputs: Inputs; readonly sizes: ReadonlyMap<string, number> },
): Map<string, NDArray> {
  const read = new Map<string, NDArray>();
  for (const { info, table, indices } of wanted) {
    const [source, numbers] = [constants.get(table), inputs.get(indices)];
    const stored = fileOf(source);
    // Wanted are rows of tables in files.
    if (source === undefined || stored === undefined) throw new TypeError(`${table} is in no file`);
    if (!isNDArray(numbers) || !(numbers.data instanceof Int32Array)) {
      throw new EngineError('bad-array', `'${indices}' is not in host memory`, 'read() it first');
    }
    const shape = info.shape.map((size) => evaluateDimension(size, sizes));
    const array = emptyArray({ dtype: source.dtype, shape });
    stored.readRows(source, numbers.data, array);
    read.set(info.name, array);
  }
  return read;
}
