/**
 * How tensors are stored: a row is a sequence of blocks of so many elements and bytes.
 *
 * Source: https://github.com/ggml-org/ggml/blob/master/src/ggml-common.h
 */
export const BLOCKS = {
  F32: { elements: 1, bytes: 4 },
  F16: { elements: 1, bytes: 2 },
  BF16: { elements: 1, bytes: 2 },
  Q8_0: { elements: 32, bytes: 34 },
  Q4_0: { elements: 32, bytes: 18 },
  Q4_1: { elements: 32, bytes: 20 },
  Q5_0: { elements: 32, bytes: 22 },
  Q5_1: { elements: 32, bytes: 24 },
  Q4_K: { elements: 256, bytes: 144 },
  Q5_K: { elements: 256, bytes: 176 },
  Q6_K: { elements: 256, bytes: 210 },
} as const;

/** The types of tensors that can be read, as ggml names them. */
export type TensorType = keyof typeof BLOCKS;

/** Whether tensors of the type can be read. */
export function isTensorType(name: string): name is TensorType {
  return Object.hasOwn(BLOCKS, name);
}
