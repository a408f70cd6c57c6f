/** The part of ONNX Runtime that runs a graph. */
export type GraphTarget = 'cpu' | 'webgpu' | 'cuda';

/** Element type that matrix products read and write. Everything else is float32. */
export type ProductType = 'float32' | 'bfloat16' | 'float16';

/**
 * Precision of matrix products: the element type that they read and write, or `tf32`, with which they read and write float32
 * and round the factors to 10 bits of mantissa on the way.
 */
export type Precision = ProductType | 'tf32';

/**
 * Form of the weights with which the runtime's 8-bit products are exact on a processor.
 *
 * - `signed`: int8 weights. The left side is uint8. x64 processors with VNNI (AVX-VNNI, AVX-512 VNNI, AMX) and all arm64
 *   processors add up its products with int8 in 32 bits.
 * - `unsigned`: uint8 weights with the zero point 128. Other x64 processors add two products of uint8 and int8 in 16 bits,
 *   which saturates at 32,767. Products of uint8 and uint8 take another instruction there and are exact.
 */
export type Int8Kernel = 'signed' | 'unsigned';

/** Zero point of unsigned weights, which maps the integers from -127 to 127 to those from 1 to 255. */
export const UNSIGNED_ZERO_POINT = 128;

/** Options of a graph that is recorded. */
export interface GraphOptions {
  /** The part of the runtime that will run the graph. @default 'cpu' */
  readonly target?: GraphTarget | undefined;
  /** Precision of matrix products. @default 'float32' */
  readonly precision?: Precision | undefined;
  /**
   * Form of 8-bit weights that is exact where the graph will run. Where that is `unsigned`, the graph converts signed
   * weights. @default 'unsigned', which is exact everywhere
   */
  readonly int8Kernel?: Int8Kernel | undefined;
}
