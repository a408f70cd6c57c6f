import { type ArraySpec, bytesPerElement, type NDArray } from '../arrays/array.js';
import type { Storage } from '../arrays/device-array.js';
import { EngineError } from '../error.js';
import { release } from '../onnxruntime/environment.js';
import type { Provider } from '../onnxruntime/provider.js';
import { addressOfValue } from '../onnxruntime/values.js';

/** Memory of an accelerator, which is freed when it is disposed or collected. */
export class ProviderMemory implements Storage {
  // Only in turn: the device's memory must not be touched while a graph runs on another thread.
  private static readonly collected = new FinalizationRegistry<{ provider: Provider; handle: unknown }>(
    ({ provider, handle }) => void provider.inTurn(() => release('ReleaseValue', handle)),
  );
  /** Missing where the device has handles of buffers in the place of addresses. */
  readonly address: (() => bigint) | undefined;
  /** Missing for the same reason. */
  readonly slice: ((start: number, spec: ArraySpec) => ProviderMemory) | undefined;
  private isFreed = false;

  /** @param whole the memory that this is a part of, which owns it. @default this owns its memory */
  constructor(
    private readonly provider: Provider,
    private readonly value: unknown,
    private readonly whole?: ProviderMemory,
  ) {
    ProviderMemory.collected.register(this, { provider, handle: value }, this);
    if (!provider.hasAddresses) return;
    this.address = () => addressOfValue(this.handle);
    this.slice = (start, spec) => {
      const address = addressOfValue(this.handle) + BigInt(start * bytesPerElement[spec.dtype]);
      return new ProviderMemory(provider, provider.valueAt(address, spec), this);
    };
  }

  /**
   * The runtime's handle of the memory.
   *
   * @throws {EngineError} `disposed` for a part of memory that was freed
   */
  get handle(): unknown {
    if (this.whole === undefined || !this.whole.isFreed) return this.value;
    throw new EngineError(
      'disposed',
      'the array that this is a slice of was disposed, or has new memory',
      'cut it again',
    );
  }

  read(into: NDArray): Promise<void> {
    return this.provider.download(() => this.handle, into);
  }

  write(from: NDArray): Promise<void> {
    return this.provider.overwrite(from, () => this.handle);
  }

  dispose(): void {
    this.isFreed = true;
    ProviderMemory.collected.unregister(this);
    // A run that was started before may still read it.
    void this.provider.inTurn(() => release('ReleaseValue', this.value));
  }
}
