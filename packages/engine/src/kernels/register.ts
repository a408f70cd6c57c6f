import * as tf from '@tensorflow/tfjs-core';
import { EngineError } from '../error.js';
import { activeOp, TRACE_BACKEND, type TraceBackend } from '../graph/backend.js';
import type { Value } from '../graph/graph-builder.js';
import { elementwise } from './elementwise.js';
import { fused } from './fused.js';
import { indexing } from './indexing.js';
import type { KernelMapping, KernelTable } from './kernel.js';
import { linearAlgebra } from './linear-algebra.js';
import { reduction } from './reduction.js';
import { shaping } from './shaping.js';

const FAMILIES: readonly KernelTable[] = [elementwise, shaping, reduction, linearAlgebra, indexing];

/** Names of the TensorFlow.js kernels that can be traced. */
export const tracedKernels: readonly string[] = FAMILIES.flatMap((family) => Object.keys(family)).sort();

/** Registers every mapping and, for each other kernel of TensorFlow.js, an error that names it. */
export function registerKernels(backend: TraceBackend): void {
  for (const family of [...FAMILIES, fused]) {
    for (const [name, mapping] of Object.entries(family)) register(name, record(backend, mapping));
  }
  for (const kernelName of coreKernels()) {
    if (!tracedKernels.includes(kernelName)) {
      register(kernelName, () => {
        throw unmappedKernel(kernelName, activeOp());
      });
    }
  }
}

/** Names of all kernels that TensorFlow.js knows: its core exports each name as a constant, such as `tf.Conv2D`. */
function coreKernels(): string[] {
  return Object.entries(tf).flatMap(([name, value]) => (value === name ? [name] : []));
}

/** Makes the error for a kernel without a mapping. */
export function unmappedKernel(kernel: string, op: string): EngineError {
  return new EngineError(
    'unmapped-kernel',
    `the kernel '${kernel}', which ${op} asks for, has no ONNX mapping`,
    'express it with other operations, or add a mapping to the kernel tables of @gram/engine',
  );
}

function register(kernelName: string, kernelFunc: tf.KernelFunc): void {
  tf.registerKernel({ kernelName, backendName: TRACE_BACKEND, kernelFunc });
}

function record(backend: TraceBackend, mapping: KernelMapping): tf.KernelFunc {
  return ({ inputs, attrs }) => {
    const values: Record<string, Value> = {};
    for (const [name, tensor] of Object.entries(inputs)) {
      // TensorFlow.js lists optional inputs that are absent as null.
      if (tensor != null) values[name] = backend.value(tensor as tf.TensorInfo);
    }
    const result = mapping({ graph: backend.graph, inputs: values, attributes: attrs ?? {} });
    return Array.isArray(result)
      ? result.map((value) => backend.tensorInfo(value))
      : backend.tensorInfo(result);
  };
}
