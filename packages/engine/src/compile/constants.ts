import { dirname } from 'node:path';
import { type AnyArray, DeviceArray, isArray } from '../arrays/device-array.js';
import { fileOf } from '../arrays/file-array.js';
import { flattenTree } from '../arrays/tree.js';
import type { Device } from '../devices/device.js';
import { EngineError } from '../error.js';

/** Inputs that never change, as they were given and where the device has them. */
export interface Constants {
  readonly given: ReadonlyMap<string, AnyArray>;
  /** The constants that a session of the CPU reads from host memory, or from files of one folder. */
  readonly host: ReadonlyMap<string, AnyArray>;
  /** Copies that live on an accelerator. */
  readonly placed: ReadonlyMap<string, DeviceArray>;
  /** The constants that a run is given as inputs: those copies, and arrays that lived on the device before. */
  readonly fed: ReadonlyMap<string, AnyArray>;
}

/** Copies constants to where a device keeps them. */
export async function placeConstants(
  device: Device,
  given: ReadonlyMap<string, AnyArray>,
): Promise<Constants> {
  const host = new Map<string, AnyArray>();
  const placed = new Map<string, DeviceArray>();
  let folder: string | undefined;
  for (const [path, array] of given) {
    const file = fileOf(array)?.file;
    if (file !== undefined && device.name === 'cpu') {
      folder ??= dirname(file.path);
      // A session maps files of one folder.
      if (folder === dirname(file.path)) {
        host.set(path, array);
        continue;
      }
    }
    if (array instanceof DeviceArray && file === undefined) continue;
    const copy = await device.place(array instanceof DeviceArray ? await array.read() : array);
    if (copy instanceof DeviceArray) placed.set(path, copy);
    else host.set(path, copy);
  }
  const others = [...given].filter(([path]) => !host.has(path));
  return { given, host, placed, fed: new Map([...others, ...placed]) };
}

/** Frees the copies of constants. */
export function disposeConstants({ placed }: Constants): void {
  for (const array of placed.values()) array.dispose();
}

/**
 * Checks that a call passes the constants of the first call. Models have hundreds, and a step of generation is short, so paths are
 * spelled only where something differs.
 *
 * @throws {EngineError} `bad-state`
 */
export function checkConstants({ given }: Constants, tree: object): void {
  const expected = given.values();
  if (hasLeaves(tree, expected) && expected.next().done === true) return;
  const arrays = flattenTree(tree, isArray);
  for (const [path, array] of given) {
    if (arrays.get(path) === array) continue;
    throw new EngineError(
      'bad-state',
      `'${path}' is another array than in the first call, but was declared constant`,
      'pass the same arrays at each call, or compile the function again for other ones',
    );
  }
}

/** Whether the leaves of a tree, depth first, are the next values of an iterator, which may have more. */
function hasLeaves(tree: object, expected: Iterator<AnyArray>): boolean {
  for (const key in tree) {
    const child: unknown = Reflect.get(tree, key);
    if (isArray(child) || typeof child !== 'object' || child === null) {
      if (expected.next().value !== child) return false;
    } else if (!hasLeaves(child, expected)) return false;
  }
  return true;
}
