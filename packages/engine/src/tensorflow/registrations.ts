// The package `@tensorflow/tfjs` registers the gradients and the chained operations (`x.add(y)`) of its core; the core
// alone does not. These modules are ESM syntax that Node does not resolve, so the build bundles them, with a copy of the
// core modules that they use. Copies share what they register: TensorFlow.js keeps its engine, its registries and its
// tensor class once in a process. The core that programs import has to be the first, for its tensor class to be that one.
import '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-core/dist/register_all_gradients.js';
import '@tensorflow/tfjs-core/dist/public/chained_ops/register_all_chained_ops.js';
