import { place } from '../compile/place.js';
import { getEnvironment, release } from '../onnxruntime/environment.js';
import type { NativeFunction } from '../onnxruntime/library/library.js';
import { Provider } from '../onnxruntime/provider.js';
import { type Handles, HostMemory, NewMemory, Session } from '../onnxruntime/session.js';
import { addressOfValue, type ValueSpec, valueAt } from '../onnxruntime/values.js';

/** Members of a session that run a graph. */
interface Runs {
  runOnHost(options: unknown, inputs: Handles, outputs: Handles): Promise<void>;
  runOnDevice(provider: Provider, options: unknown, inputs: Handles, outputs: Handles): Promise<Handles>;
}

/**
 * Makes the CUDA rig compute: from now on graphs for `cuda` are run by ONNX Runtime's kernels for the CPU, in the memory of the rig's
 * device, which is memory of the host. Graphs, arrays, their addresses, copies and updates in place stay those of CUDA. Precisions other
 * than float32 have no kernels there.
 */
export async function computeOnRig(): Promise<void> {
  await place({}, 'cuda');
  Provider.prototype.append = () => {};
  const specOf = noteSpecs();
  // Methods that only sessions use themselves.
  const runs = Session.prototype as unknown as Runs;
  runs.runOnDevice = async function (provider, options, inputs, outputs) {
    const made = new Map<string, unknown>();
    for (const [name, output] of outputs) {
      if (output instanceof NewMemory) made.set(name, provider.allocate(output.spec));
    }
    const views: unknown[] = [];
    /** The same memory as an array of the host, which arrays of the host are already. */
    const onHost = (handle: unknown) => {
      const spec = specOf(handle);
      if (spec === undefined) return handle;
      const view = valueAt(getEnvironment().hostMemory, addressOfValue(handle), spec);
      views.push(view);
      return view;
    };
    const feeds = [...inputs].map(([name, input]): [string, unknown] => [
      name,
      onHost(input instanceof HostMemory ? input.handle : input),
    ]);
    const results = [...outputs].map(([name, output]): [string, unknown] => [
      name,
      onHost(made.get(name) ?? output),
    ]);
    try {
      await this.runOnHost(options, new Map(feeds), new Map(results));
    } finally {
      for (const view of views) release('ReleaseValue', view);
    }
    return made;
  };
}

/** Notes shape and element type of all arrays that are made on the device from now on, and gives those of a handle. */
function noteSpecs(): (handle: unknown) => ValueSpec | undefined {
  const specs = new Map<unknown, ValueSpec>();
  const noted = (handle: unknown, spec: ValueSpec) => {
    specs.set(handle, spec);
    return handle;
  };
  const { allocate, valueAt: sliceAt } = Provider.prototype;
  Provider.prototype.allocate = function (spec) {
    return noted(allocate.call(this, spec), spec);
  };
  Provider.prototype.valueAt = function (address, spec) {
    return noted(sliceAt.call(this, address, spec), spec);
  };
  // The table is ours and read-only for everybody else. A handle is an address, which is used again.
  const api = getEnvironment().library.api as Record<'ReleaseValue', NativeFunction>;
  const free = api.ReleaseValue;
  api.ReleaseValue = ((handle: unknown) => {
    specs.delete(handle);
    return free(handle);
  }) as NativeFunction;
  return (handle) => specs.get(handle);
}
