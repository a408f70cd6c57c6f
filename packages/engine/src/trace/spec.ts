import type { DType } from '../arrays/array.js';
import type { Tree } from '../arrays/tree.js';
import type { Dimension } from '../onnx/model.js';

/** Shape and element type of an input. A size with a name, such as `B`, may differ from run to run. */
export interface TraceSpec {
  readonly dtype: DType;
  readonly shape: readonly Dimension[];
}

/** Shapes and element types of a tree of arrays. */
export type SpecTree = Tree<TraceSpec>;

/** Tells whether a value is a spec rather than a tree of specs. */
export function isTraceSpec(value: unknown): value is TraceSpec {
  return typeof value === 'object' && value !== null && 'dtype' in value && 'shape' in value;
}
