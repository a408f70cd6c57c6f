import { float32, int8, type NDArray, uint8 } from '../arrays/array.js';
import { EngineError } from '../error.js';
import { type Int8Kernel, UNSIGNED_ZERO_POINT } from '../graph/target.js';
import { contribDomain, encodeModel } from '../onnx/model.js';
import { call } from './environment.js';
import { encodeNames, pointers } from './pointers.js';
import { Session } from './session.js';
import { handleOf } from './values.js';

/** Number of terms in each sum of the trial product. All terms have the largest value that an integer can have. */
const TERMS = 64;
const OUTPUTS = 32;
const LARGEST = 127;

let known: Int8Kernel | undefined;

/**
 * Finds the form of 8-bit weights that is exact on this processor, once in a process. Trial products decide, whose sums
 * saturate wherever any can: no list of processors has to be kept, and an emulator is judged by what it computes.
 *
 * @throws {EngineError} `runtime` where neither form gives the right product
 */
export function int8Kernel(): Int8Kernel {
  known ??= (['signed', 'unsigned'] as const).find(isExact);
  if (known !== undefined) return known;
  throw new EngineError(
    'runtime',
    'ONNX Runtime gives wrong products of 8-bit integers on this processor',
    'use float32 or int4, and report the processor',
  );
}

/** Whether a product of the largest values comes out right, for a single row and for several, which have other kernels. */
function isExact(kernel: Int8Kernel): boolean {
  return [1, 5].every((rows) => {
    const expected = TERMS * LARGEST;
    return product(kernel, rows).every((value) => Math.abs(value - expected) < 1e-3 * expected);
  });
}

/** The runtime's product of rows of ones with columns of 127. */
function product(kernel: Int8Kernel, rows: number): Float32Array {
  const inputs = trialInputs(kernel, rows);
  const y = float32([rows, OUTPUTS], new Float32Array(rows * OUTPUTS));
  const names = Object.keys(inputs);
  const session = new Session(
    encodeModel({
      nodes: [
        {
          op: 'DynamicQuantizeMatMul',
          domain: contribDomain,
          inputs: names,
          outputs: ['y'],
          attributes: {},
        },
      ],
      initializers: [],
      inputs: Object.entries(inputs).map(([name, { dtype, shape }]) => ({ name, type: dtype, shape })),
      outputs: [{ name: 'y', type: y.dtype, shape: y.shape }],
    }),
  );
  const handles = Object.values(inputs).map(handleOf);
  try {
    const given = [encodeNames(names), pointers(handles, names.length), names.length];
    call('Run', session.native(), null, ...given, encodeNames(['y']), 1, pointers([handleOf(y)], 1));
  } finally {
    session.dispose();
  }
  return y.data;
}

/** Inputs of the trial product, in the order of the operator's. */
function trialInputs(kernel: Int8Kernel, rows: number): Record<string, NDArray> {
  const filled = (value: number) => new Array<number>(TERMS * OUTPUTS).fill(value);
  const [values, zeroPoint] =
    kernel === 'signed'
      ? [int8([TERMS, OUTPUTS], filled(LARGEST)), int8([], [0])]
      : [uint8([TERMS, OUTPUTS], filled(LARGEST + UNSIGNED_ZERO_POINT)), uint8([], [UNSIGNED_ZERO_POINT])];
  return {
    x: float32([rows, TERMS], new Float32Array(rows * TERMS).fill(1)),
    values,
    scales: float32([OUTPUTS], new Float32Array(OUTPUTS).fill(1)),
    zeroPoint,
  };
}
