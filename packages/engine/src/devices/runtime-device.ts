import { type AnyArray, DeviceArray } from '../arrays/device-array.js';
import type { GraphTarget } from '../graph/target.js';
import { created, release } from '../onnxruntime/environment.js';
import { Provider } from '../onnxruntime/provider.js';
import type { Device } from './device.js';
import { ProviderMemory } from './provider-memory.js';
import { RuntimeExecutable } from './runtime-executable.js';

/** Opens a device on which ONNX Runtime runs traced graphs. */
export function openRuntimeDevice(target: GraphTarget, index = 0): Device {
  return target === 'cpu' ? hostDevice() : acceleratorDevice(target, Provider.open(target, index));
}

/** A container of the packed form of constants, which is freed when nothing uses it any more. */
class PackedConstants {
  private static readonly collected = new FinalizationRegistry<unknown>((container) =>
    release('ReleasePrepackedWeightsContainer', container),
  );
  readonly container = created('CreatePrepackedWeightsContainer');

  constructor() {
    PackedConstants.collected.register(this, this.container);
  }
}

function hostDevice(): Device {
  // Executables that share constants, also those of several functions, pack them once.
  const packed = new WeakMap<AnyArray, PackedConstants>();
  const packedOf = (constants: ReadonlyMap<string, AnyArray>) => {
    const arrays = [...constants.values()];
    const known = arrays.map((array) => packed.get(array)).find((found) => found !== undefined);
    const own = known ?? new PackedConstants();
    for (const array of arrays) packed.set(array, own);
    return own;
  };
  return {
    name: 'cpu',
    place: async (array) => array,
    inTurn: async (use) => use(),
    prepare: (program) => {
      const own = program.prepack && program.constants.size > 0 ? packedOf(program.constants) : undefined;
      return new RuntimeExecutable('cpu', { provider: undefined, program, packed: own });
    },
  };
}

function acceleratorDevice(target: GraphTarget, provider: Provider): Device {
  const name = provider.deviceName;
  return {
    name,
    async place(array) {
      const memory = new ProviderMemory(provider, await provider.upload(array));
      return new DeviceArray(name, array.dtype, array.shape, memory);
    },
    inTurn: (use) => provider.inTurn(use),
    prepare: (program) => new RuntimeExecutable(target, { provider, program, packed: undefined }),
  };
}
