import type { NDArray } from '../arrays/array.js';
import { DeviceArray } from '../arrays/device-array.js';
import type { GraphTarget } from '../graph/target.js';
import { created, release } from '../onnxruntime/environment.js';
import { Provider } from '../onnxruntime/provider.js';
import type { Device } from './device.js';
import { ProviderMemory } from './provider-memory.js';
import { RuntimeExecutable } from './runtime-executable.js';

/** Opens a device on which ONNX Runtime runs traced graphs. */
export function openRuntimeDevice(name: GraphTarget): Device {
  return name === 'cpu' ? hostDevice() : acceleratorDevice(name, Provider.open(name));
}

const containers = new FinalizationRegistry<unknown>((container) =>
  release('ReleasePrepackedWeightsContainer', container),
);

function hostDevice(): Device {
  // Constants that two executables share are packed once.
  const prepacked = new WeakMap<ReadonlyMap<string, NDArray>, unknown>();
  const containerOf = (constants: ReadonlyMap<string, NDArray>) => {
    const known = prepacked.get(constants);
    if (known !== undefined) return known;
    const container = created('CreatePrepackedWeightsContainer');
    prepacked.set(constants, container);
    containers.register(constants, container);
    return container;
  };
  return {
    name: 'cpu',
    place: async (array) => array,
    inTurn: async (use) => use(),
    prepare: (program) => {
      const container = program.constants.size > 0 ? containerOf(program.constants) : undefined;
      return new RuntimeExecutable('cpu', undefined, program, container);
    },
  };
}

function acceleratorDevice(name: GraphTarget, provider: Provider): Device {
  return {
    name,
    async place(array) {
      const memory = new ProviderMemory(provider, await provider.upload(array));
      return new DeviceArray(name, array.dtype, array.shape, memory);
    },
    inTurn: (use) => provider.inTurn(use),
    prepare: (program) => new RuntimeExecutable(name, provider, program, undefined),
  };
}
