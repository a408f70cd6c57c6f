import { flattenTree } from '../arrays/tree.js';
import type { Device, Executable, ExecutableInfo, Program } from '../devices/device.js';
import type { Profile } from '../devices/profile.js';
import { isTraceSpec, type SpecTree } from '../trace/spec.js';

/** The executables of a compiled function, one for each set of input shapes. The one unused longest goes first. */
export class Executables {
  private readonly cache = new Map<string, Executable>();
  /** Number of calls that run an executable or are about to. */
  private readonly users = new Map<Executable, number>();
  private readonly profiles: Profile[] = [];

  /**
   * @param most executables that are kept
   * @param isProfiled whether every operation is measured
   */
  constructor(
    private readonly most: number,
    private readonly isProfiled: boolean,
  ) {}

  /** Facts about each executable. */
  get infos(): ExecutableInfo[] {
    return [...this.cache.values()].map(({ info }) => info);
  }

  /**
   * The executable for inputs of these shapes, which is prepared if there is none. `release` ends its use.
   *
   * @param specs those of the inputs that may have other shapes at another call
   */
  acquire(device: Device, specs: SpecTree, programOf: () => Program): Executable {
    const key = keyOf(specs);
    const executable = this.cache.get(key) ?? device.prepare(programOf());
    this.users.set(executable, (this.users.get(executable) ?? 0) + 1);
    // The order of insertion is the order of use.
    this.cache.delete(key);
    this.cache.set(key, executable);
    if (this.cache.size > this.most) this.removeOldest();
    return executable;
  }

  /** Ends a use of an executable. */
  release(executable: Executable): void {
    const others = (this.users.get(executable) ?? 0) - 1;
    if (others > 0) this.users.set(executable, others);
    else this.users.delete(executable);
  }

  /** Frees all executables and gives the profiles of these and of those that were freed before. */
  endProfiles(): readonly Profile[] {
    for (const executable of this.cache.values()) this.profiles.push(...executable.endProfiles());
    this.dispose();
    return this.profiles;
  }

  /** Frees all executables. */
  dispose(): void {
    for (const executable of this.cache.values()) executable.dispose();
    this.cache.clear();
  }

  private removeOldest(): void {
    // One that is running stays, and the next call makes room.
    for (const [key, executable] of this.cache) {
      if (this.users.has(executable)) continue;
      if (this.isProfiled) this.profiles.push(...executable.endProfiles());
      executable.dispose();
      this.cache.delete(key);
      return;
    }
  }
}

function keyOf(specs: SpecTree): string {
  return [...flattenTree(specs, isTraceSpec)]
    .map(([path, { dtype, shape }]) => `${path}:${dtype}[${shape}]`)
    .join(' ');
}
