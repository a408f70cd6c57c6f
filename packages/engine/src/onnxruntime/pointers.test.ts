import koffi from 'koffi';
import { expect, it } from 'vitest';
import { EncodedNames, encodeNames, pointers } from './pointers.js';

const texts = (encoded: BigUint64Array) =>
  Array.from(encoded, (pointer) => koffi.decode(pointer, 'char', -1) as string);

it('encodes names as C reads them', () => {
  expect(texts(encodeNames(['weights.0', '', 'größe']))).toEqual(['weights.0', '', 'größe']);
  expect(encodeNames([])).toHaveLength(0);
});

it('encodes the names of a map again when one of them, their number or their order is another', () => {
  const names = new EncodedNames();
  const map = (...keys: string[]) => new Map(keys.map((key) => [key, 0]));
  const first = names.of(map('a', 'b'));
  expect(names.of(map('a', 'b'))).toBe(first);
  for (const keys of [['b', 'a'], ['b'], ['b', 'a', 'c'], [], ['a', 'b']]) {
    expect(texts(names.of(map(...keys)))).toEqual(keys);
  }
});

it('puts pointers one after the other', () => {
  expect([...pointers([1n, 2n ** 40n, 3n], 3)]).toEqual([1n, 2n ** 40n, 3n]);
});
