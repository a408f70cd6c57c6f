import type { NDArray } from '../arrays/array.js';
import { type AnyArray, DeviceArray, type DeviceName, isArray } from '../arrays/device-array.js';
import { fileOf } from '../arrays/file-array.js';
import { flattenTree, mapPaths, type Tree } from '../arrays/tree.js';
import type { Device } from '../devices/device.js';
import { openDevice } from '../devices/open.js';

/**
 * Copies a tree of arrays to where a device keeps them, so that they stay there between calls. On the CPU that is host
 * memory, and the arrays come back as they are.
 *
 * @example
 * ```ts
 * const weights = await place({ w: float32([2, 2], [1, 2, 3, 4]) }, 'webgpu');
 * console.log((await read(weights)).w);
 * ```
 *
 * @throws {EngineError} `device-unavailable`
 */
export async function place<T extends object>(tree: T, device: DeviceName | 'auto'): Promise<T> {
  const opened = await openDevice(device);
  const placed = new Map<string, AnyArray>();
  for (const [path, array] of flattenTree(tree, isArray)) {
    placed.set(path, await placedOn(opened, array));
  }
  return mapPaths(tree, isArray, placed) as T;
}

/** An array in a file stays there for the CPU, and goes to another device without a copy in host memory that lasts. */
async function placedOn(device: Device, array: AnyArray): Promise<AnyArray> {
  if (!(array instanceof DeviceArray)) return device.place(array);
  if (fileOf(array) === undefined || device.name === 'cpu') return array;
  return device.place(await array.read());
}

/** Copies the arrays of a tree that live on a device to host memory. Others come back as they are. */
export async function read(tree: object): Promise<Tree<NDArray>> {
  const copies = new Map<string, NDArray>();
  for (const [path, array] of flattenTree(tree, isArray)) {
    copies.set(path, array instanceof DeviceArray ? await array.read() : array);
  }
  return mapPaths(tree, isArray, copies);
}

/** Arrays that a device has once they are needed. */
export interface PlacedOnce<T> {
  /** Copies the arrays at the first call; see `place`. */
  get(): Promise<T>;
  /** Frees the copies. Arrays that were on the device before belong to whoever placed them. */
  dispose(): void;
}

/** Copies weights, or other arrays, to a device when they are first needed. Later changes are not copied. */
export function placedOnce<T extends object>(tree: T, device: DeviceName | 'auto'): PlacedOnce<T> {
  let placed: Promise<T> | undefined;
  return {
    get() {
      if (placed === undefined) {
        placed = place(tree, device);
        // The next call tries again.
        placed.catch(() => {
          placed = undefined;
        });
      }
      return placed;
    },
    dispose() {
      const before = new Set(deviceArrays(tree));
      const free = (copies: T) => {
        for (const array of deviceArrays(copies)) if (!before.has(array)) array.dispose();
      };
      placed?.then(free, () => {});
      placed = undefined;
    },
  };
}

/** Frees the arrays of a tree that live on a device. Those in host memory belong to whoever made them. */
export function disposeArrays(tree: object): void {
  for (const array of deviceArrays(tree)) array.dispose();
}

function deviceArrays(tree: object): DeviceArray[] {
  return [...flattenTree(tree, isArray).values()].filter((array) => array instanceof DeviceArray);
}
