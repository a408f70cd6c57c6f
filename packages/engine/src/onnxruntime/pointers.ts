import koffi from 'koffi';

/** Pointers one after the other, which C reads as `void**`. They lie outside of the JavaScript heap and do not move. */
type Pointers = BigUint64Array;

/**
 * Makes an array of pointers for C. The binding would convert each of them as a value of its own at every call, which takes more
 * than a millisecond for the cache of a model.
 *
 * @param given handles of the runtime
 */
export function pointers(given: Iterable<unknown>, count: number): Pointers {
  const made = new BigUint64Array(new ArrayBuffer(8 * count));
  let i = 0;
  for (const pointer of given) made[i++] = koffi.address(pointer);
  return made;
}

/** Makes an array of strings for C, `const char* const*`. The strings lie in its own memory, behind the pointers. */
export function encodeNames(names: readonly string[]): Pointers {
  const texts = names.map((name) => Buffer.from(`${name}\0`));
  const start = 8 * names.length;
  const memory = new Uint8Array(new ArrayBuffer(texts.reduce((sum, { length }) => sum + length, start)));
  const made = new BigUint64Array(memory.buffer, 0, names.length);
  const address = koffi.address(memory);
  let offset = start;
  for (const [i, text] of texts.entries()) {
    memory.set(text, offset);
    made[i] = address + BigInt(offset);
    offset += text.length;
  }
  return made;
}

/** The names of values for C, which are encoded again only when they are others than the last time. */
export class EncodedNames {
  private names: readonly string[] = [];
  private encoded = encodeNames([]);

  of(values: ReadonlyMap<string, unknown>): Pointers {
    if (!areKeys(this.names, values)) {
      this.names = [...values.keys()];
      this.encoded = encodeNames(this.names);
    }
    return this.encoded;
  }
}

/** Whether names are the keys of a map, in its order. */
function areKeys(names: readonly string[], map: ReadonlyMap<string, unknown>): boolean {
  if (names.length !== map.size) return false;
  let i = 0;
  for (const key of map.keys()) if (key !== names[i++]) return false;
  return true;
}
