/**
 * The entry of a name that is known to be there, such as the gradient of a weight.
 *
 * @throws {RangeError} when it is missing, which is a fault of the program
 */
export function entryOf<T>(entries: Readonly<Record<string, T>>, name: string): T {
  const entry = entries[name];
  if (entry === undefined) throw new RangeError(`there is no entry ${name}`);
  return entry;
}

/**
 * The element at an index that is known to be within a list.
 *
 * @throws {RangeError} when it is not, which is a fault of the program
 */
export function elementAt<T>(list: ArrayLike<T>, index: number): T {
  const element = list[index];
  if (element === undefined) throw new RangeError(`there is no element ${index} of ${list.length}`);
  return element;
}

/** A record with an entry for each name. */
export function recordOf<Name extends string, T>(
  names: readonly Name[],
  entry: (name: Name, index: number) => T,
): Readonly<Record<Name, T>> {
  // Object.fromEntries forgets the names of its entries.
  return Object.fromEntries(names.map((name, i) => [name, entry(name, i)])) as Record<Name, T>;
}
