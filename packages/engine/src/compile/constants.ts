import type { NDArray } from '../arrays/array.js';
import { type AnyArray, DeviceArray } from '../arrays/device-array.js';
import type { Device } from '../devices/device.js';
import { EngineError } from '../error.js';

/** Inputs that never change, as they were given and where the device has them. */
export interface Constants {
  readonly given: ReadonlyMap<string, AnyArray>;
  /** The constants that a session of the CPU reads from host memory. */
  readonly host: ReadonlyMap<string, NDArray>;
  /** Copies that live on an accelerator. */
  readonly placed: ReadonlyMap<string, DeviceArray>;
}

/** Copies constants to where a device keeps them. */
export async function placeConstants(
  device: Device,
  given: ReadonlyMap<string, AnyArray>,
): Promise<Constants> {
  const host = new Map<string, NDArray>();
  const placed = new Map<string, DeviceArray>();
  for (const [path, array] of given) {
    if (array instanceof DeviceArray) continue;
    const copy = await device.place(array);
    if (copy instanceof DeviceArray) placed.set(path, copy);
    else host.set(path, copy);
  }
  return { given, host, placed };
}

/** Frees the copies of constants. */
export function disposeConstants({ placed }: Constants): void {
  for (const array of placed.values()) array.dispose();
}

/**
 * Checks that a call passes the constants of the first call.
 *
 * @throws {EngineError} `bad-state`
 */
export function checkConstants(
  given: ReadonlyMap<string, AnyArray>,
  arrays: ReadonlyMap<string, AnyArray>,
): void {
  for (const [path, array] of given) {
    if (arrays.get(path) === array) continue;
    throw new EngineError(
      'bad-state',
      `'${path}' is another array than in the first call, but was declared constant`,
      'pass the same arrays at each call, or compile the function again for other ones',
    );
  }
}
