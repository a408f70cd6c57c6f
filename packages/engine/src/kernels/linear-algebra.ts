import type { Value } from '../graph/graph-builder.js';
import { contribDomain } from '../onnx/model.js';
import { attribute, broadcastShape, cast, input, type KernelTable, sizeAt } from './kernel.js';

/** A matrix, or a batch of them, as a product reads it. */
interface Factor {
  readonly batch: readonly number[];
  readonly rows: number;
  readonly columns: number;
}

function factor(value: Value, isTransposed: boolean): Factor {
  const [rows, columns] = [sizeAt(value, -2), sizeAt(value, -1)];
  const batch = value.shape.slice(0, -2);
  return isTransposed ? { batch, rows: columns, columns: rows } : { batch, rows, columns };
}

/** Mappings of matrix products. */
export const linearAlgebra: KernelTable = {
  // FusedMatMul reads transposed operands in place. A Transpose node would copy them.
  BatchMatMul: (call) => {
    const { precision } = call.graph;
    // Equal casts are merged: a weight is rounded once, for the product and for both of its gradients.
    const [a, b] = [
      cast(call.graph, input(call, 'a'), precision),
      cast(call.graph, input(call, 'b'), precision),
    ];
    const transA = attribute<boolean>(call, 'transposeA');
    const transB = attribute<boolean>(call, 'transposeB');
    const [left, right] = [factor(a, transA), factor(b, transB)];
    const shape = [...broadcastShape(left.batch, right.batch), left.rows, right.columns];
    const fused = {
      domain: contribDomain,
      attributes: { transA: { int: transA ? 1 : 0 }, transB: { int: transB ? 1 : 0 } },
    };
    const product =
      transA || transB
        ? call.graph.node('FusedMatMul', [a, b], shape, precision, fused)
        : call.graph.node('MatMul', [a, b], shape, precision);
    return cast(call.graph, product, 'float32');
  },
};
