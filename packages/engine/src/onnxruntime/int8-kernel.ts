import { float32, int8, type NDArray, uint8 } from '../arrays/array.js';
import { EngineError } from '../error.js';
import { contribDomain, encodeModel } from '../onnx/model.js';
import { call } from './environment.js';
import { Session } from './session.js';
import { handleOf } from './values.js';

/**
 * Form of the weights with which the runtime's 8-bit products are exact on this processor.
 *
 * - `signed`: int8 weights. The left side is uint8, and x64 processors with VNNI (AVX-VNNI, AVX-512 VNNI, AMX) and all
 *   arm64 processors add up its products with int8 in 32 bits.
 * - `unsigned`: uint8 weights with the zero point 128. Other x64 processors add two products of uint8 and int8 in 16 bits,
 *   which saturates at 32,767; products of uint8 and uint8 take another instruction there and are exact.
 */
export type Int8Kernel = 'signed' | 'unsigned';

/** Zero point of unsigned weights: the integers from -127 to 127 become those from 1 to 255. */
export const UNSIGNED_ZERO_POINT = 128;

/** Terms of each sum of the trial product; all of them have the largest value that there is. */
const TERMS = 64;
const OUTPUTS = 32;
const LARGEST = 127;

let known: Int8Kernel | undefined;

/**
 * The form of 8-bit weights for this processor. It is found once in a process, by products that saturate where anything
 * can: no list of processors has to be kept, and an emulator is believed only as far as it computes.
 *
 * @throws EngineError `runtime` where neither form gives the right product
 */
export function int8Kernel(): Int8Kernel {
  known ??= isExact('signed') ? 'signed' : 'unsigned';
  if (known === 'unsigned' && !isExact('unsigned')) {
    known = undefined;
    throw new EngineError(
      'runtime',
      'ONNX Runtime gives wrong products of 8-bit integers on this processor',
      'use float32 or int4, and report the processor',
    );
  }
  return known;
}

/** Whether a product of the largest values comes out right, for a single row and for several, which have other kernels. */
function isExact(kernel: Int8Kernel): boolean {
  return [1, 5].every((rows) => {
    const expected = TERMS * LARGEST;
    return product(kernel, rows).every((value) => Math.abs(value - expected) < 1e-3 * expected);
  });
}

/** Rows of ones times columns of 127. */
function product(kernel: Int8Kernel, rows: number): Float32Array {
  const type = kernel === 'signed' ? 'int8' : 'uint8';
  const shift = kernel === 'signed' ? 0 : UNSIGNED_ZERO_POINT;
  const filled = new Array(TERMS * OUTPUTS).fill(LARGEST + shift);
  const inputs: Record<string, NDArray> = {
    x: float32([rows, TERMS], new Float32Array(rows * TERMS).fill(1)),
    values: kernel === 'signed' ? int8([TERMS, OUTPUTS], filled) : uint8([TERMS, OUTPUTS], filled),
    scales: float32([OUTPUTS], new Float32Array(OUTPUTS).fill(1)),
    zeroPoint: kernel === 'signed' ? int8([], [0]) : uint8([], [shift]),
  };
  const y = float32([rows, OUTPUTS], new Float32Array(rows * OUTPUTS));
  const session = new Session(
    encodeModel({
      nodes: [
        {
          op: 'DynamicQuantizeMatMul',
          domain: contribDomain,
          inputs: Object.keys(inputs),
          outputs: ['y'],
          attributes: {},
        },
      ],
      initializers: [],
      inputs: [
        { name: 'x', type: 'float32', shape: [rows, TERMS] },
        { name: 'values', type, shape: [TERMS, OUTPUTS] },
        { name: 'scales', type: 'float32', shape: [OUTPUTS] },
        { name: 'zeroPoint', type, shape: [] },
      ],
      outputs: [{ name: 'y', type: 'float32', shape: [rows, OUTPUTS] }],
    }),
  );
  const names = Object.keys(inputs);
  const handles = Object.values(inputs).map(handleOf);
  try {
    call('Run', session.native(), null, names, handles, names.length, ['y'], 1, [handleOf(y)]);
  } finally {
    session.dispose();
  }
  return y.data;
}
