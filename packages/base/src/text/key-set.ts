/** Share of the table that is filled before it grows. */
const LOAD = 0.6;

/**
 * A set of texts that keeps 53 bits of a hash of each and not the text: 13 to 27 bytes for each one, whatever its length. Two
 * different texts count as one with a probability of 1 in 10^16, so among a million texts once in 20,000 sets.
 */
export class KeySet {
  private table = new Float64Array(1024);
  private count = 0;

  /** Number of different texts. */
  get size(): number {
    return this.count;
  }

  /** Adds a text, and tells whether it is new. */
  add(text: string): boolean {
    const key = hash53(text);
    const place = this.placeOf(key);
    if (this.table[place] === key) return false;
    this.table[place] = key;
    this.count++;
    if (this.count > LOAD * this.table.length) this.grow();
    return true;
  }

  has(text: string): boolean {
    const key = hash53(text);
    return this.table[this.placeOf(key)] === key;
  }

  /** The place of a key, or the free one where it belongs. */
  private placeOf(key: number): number {
    const { table } = this;
    let place = key % table.length;
    while (table[place] !== 0 && table[place] !== key) place = (place + 1) % table.length;
    return place;
  }

  private grow(): void {
    const keys = this.table;
    this.table = new Float64Array(2 * keys.length);
    for (const key of keys) if (key !== 0) this.table[this.placeOf(key)] = key;
  }
}

/**
 * A hash of the UTF-16 units of a text, from 1 to 2^53 - 1: two 32-bit multiplicative hashes with the finalizer of MurmurHash3
 * (Appleby, public domain), of which 53 bits are kept. It is no protection from texts that are made to collide.
 */
export function hash53(text: string): number {
  let [a, b] = [0x9e37_79b9 ^ text.length, 0x85eb_ca6b];
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    a = Math.imul(a ^ unit, 0x01b8_73a1);
    b = Math.imul(b ^ unit, 0x2c1b_3c6d);
    a ^= b >>> 15;
    b ^= a >>> 13;
  }
  return (finished(a) & 0x1f_ffff) * 2 ** 32 + (finished(b) >>> 0) || 1;
}

function finished(hash: number): number {
  let mixed = Math.imul(hash ^ (hash >>> 16), 0x85eb_ca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2_ae35);
  return mixed ^ (mixed >>> 16);
}
