import { DeviceArray, type DeviceName, flattenTree, isArray, place } from '@gram/engine';

/** Arrays that are copied to a device when they are first needed. */
export function placedOnce<T extends object>(tree: T, device: DeviceName) {
  let placed: Promise<T> | undefined;
  return {
    get(): Promise<T> {
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
      placed?.then(freed, () => {});
      placed = undefined;
    },
  };
}

/** Frees what lives on a device; arrays in host memory belong to whoever made them. */
export function freed(tree: object): void {
  for (const array of flattenTree(tree, isArray).values()) {
    if (array instanceof DeviceArray) array.dispose();
  }
}
