import { encodeModel } from '../onnx/model.js';

/** Makes a model that returns one number as it is. A session of it starts a device. */
export function identityModel(): Uint8Array {
  const spec = { type: 'float32', shape: [1] } as const;
  return encodeModel({
    nodes: [{ op: 'Identity', domain: '', inputs: ['x'], outputs: ['y'], attributes: {} }],
    initializers: [],
    inputs: [{ name: 'x', ...spec }],
    outputs: [{ name: 'y', ...spec }],
  });
}
