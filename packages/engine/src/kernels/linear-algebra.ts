import { contribDomain } from '../onnx/model.js';
import { attribute, broadcastShape, cast, input, type KernelTable } from './kernel.js';

function transposed(shape: readonly number[]): number[] {
  return [...shape.slice(0, -2), shape.at(-1)!, shape.at(-2)!];
}

/** Matrix products. */
export const linearAlgebra: KernelTable = {
  // FusedMatMul reads transposed operands in place, a Transpose node would copy them.
  BatchMatMul: (call) => {
    const { precision } = call.graph;
    // Equal casts are merged: a weight is rounded once, for the product and for both of its gradients.
    const [a, b] = [
      cast(call.graph, input(call, 'a'), precision),
      cast(call.graph, input(call, 'b'), precision),
    ];
    const transA = attribute<boolean>(call, 'transposeA');
    const transB = attribute<boolean>(call, 'transposeB');
    const left = transA ? transposed(a.shape) : a.shape;
    const right = transB ? transposed(b.shape) : b.shape;
    const batch = broadcastShape(left.slice(0, -2), right.slice(0, -2));
    const shape = [...batch, left.at(-2)!, right.at(-1)!];
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
