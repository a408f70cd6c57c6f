import { contribDomain } from '../../onnx/model.js';
import { attribute, broadcastShape, input, type KernelTable } from './kernel.js';

function transposed(shape: readonly number[]): number[] {
  return [...shape.slice(0, -2), shape.at(-1)!, shape.at(-2)!];
}

/** Matrix products. */
export const linearAlgebra: KernelTable = {
  // FusedMatMul reads transposed operands in place, a Transpose node would copy them.
  BatchMatMul: (call) => {
    const [a, b] = [input(call, 'a'), input(call, 'b')];
    const transA = attribute<boolean>(call, 'transposeA');
    const transB = attribute<boolean>(call, 'transposeB');
    const left = transA ? transposed(a.shape) : a.shape;
    const right = transB ? transposed(b.shape) : b.shape;
    const batch = broadcastShape(left.slice(0, -2), right.slice(0, -2));
    const shape = [...batch, left.at(-2)!, right.at(-1)!];
    if (!transA && !transB) return call.graph.node('MatMul', [a, b], shape, 'float32');
    return call.graph.node('FusedMatMul', [a, b], shape, 'float32', {
      domain: contribDomain,
      attributes: { transA: { int: transA ? 1 : 0 }, transB: { int: transB ? 1 : 0 } },
    });
  },
};
