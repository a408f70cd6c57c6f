const EXPONENT = 0x7f800000;
const LOWEST = 0x00800000;
const SIGN = 0x80000000;

/**
 * Tells whether all values are finite. A NaN or an infinity is a number whose exponent has all bits set: adding one to it, and to
 * no other exponent, reaches the bit of the sign. There is no branch for a value, so that a pass takes less time than a read.
 */
export function allFinite({ buffer, byteOffset, length }: Float32Array): boolean {
  const bits = new Int32Array(buffer, byteOffset, length);
  let found = 0;
  for (let i = 0; i < length; i++) found |= ((bits[i] ?? 0) & EXPONENT) + LOWEST;
  return (found & SIGN) === 0;
}
