import { DeviceArray, isArray } from '../arrays/device-array.js';
import { flattenTree } from '../arrays/tree.js';
import type { DeviceName } from '../devices/device.js';
import { place } from './compile.js';

/** Arrays that are where a device keeps them once they are needed. */
export interface PlacedOnce<T> {
  /** Copies the arrays at the first call; see `place`. */
  get(): Promise<T>;
  /** Frees the copies; arrays that were on the device before are left to whoever placed them. */
  dispose(): void;
}

/** Weights, or other arrays, that are copied to a device when they are first needed. Later changes are not copied. */
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

/** Frees the arrays of a tree that live on a device; those in host memory are left to whoever made them. */
export function disposeArrays(tree: object): void {
  for (const array of deviceArrays(tree)) array.dispose();
}

function deviceArrays(tree: object): DeviceArray[] {
  return [...flattenTree(tree, isArray).values()].filter((array) => array instanceof DeviceArray);
}
