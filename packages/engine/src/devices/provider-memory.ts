import type { NDArray } from '../arrays/array.js';
import type { Storage } from '../arrays/device-array.js';
import { release } from '../onnxruntime/environment.js';
import type { Provider } from '../onnxruntime/provider.js';

/** Memory of an accelerator, which is freed when it is disposed or collected. */
export class ProviderMemory implements Storage {
  // Only in turn: the device's memory must not be touched while a graph runs on another thread.
  private static readonly collected = new FinalizationRegistry<{ provider: Provider; handle: unknown }>(
    ({ provider, handle }) => void provider.inTurn(() => release('ReleaseValue', handle)),
  );

  constructor(
    private readonly provider: Provider,
    readonly handle: unknown,
  ) {
    ProviderMemory.collected.register(this, { provider, handle }, this);
  }

  read(into: NDArray): Promise<void> {
    return this.provider.download(() => this.handle, into);
  }

  dispose(): void {
    ProviderMemory.collected.unregister(this);
    // A run that was started before may still read it.
    void this.provider.inTurn(() => release('ReleaseValue', this.handle));
  }
}
