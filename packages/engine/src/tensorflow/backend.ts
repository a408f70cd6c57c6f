import * as tf from '@tensorflow/tfjs-core';

/** The part of the engine of TensorFlow.js that says which backend is current. */
interface CurrentBackend {
  backendName: string | null;
  backendInstance: unknown;
}

/** Makes a backend of TensorFlow.js current while `run` runs. TensorFlow.js has one current backend in a process. */
export function withBackend<T>(name: string, run: () => T): T {
  return keepingBackend(() => {
    // The promise resolves later, but a backend that is made synchronously is current at once.
    void tf.setBackend(name);
    return run();
  });
}

/** Runs `run`, and makes the backend current again that is current now. */
export function keepingBackend<T>(run: () => T): T {
  // The types hide both fields.
  const engine = tf.engine() as unknown as CurrentBackend;
  const { backendName = null, backendInstance = null } = engine;
  try {
    return run();
  } finally {
    if (backendName !== null && engine.backendName !== backendName) {
      void tf.setBackend(backendName);
    } else {
      engine.backendName = backendName;
      engine.backendInstance = backendInstance;
    }
  }
}
