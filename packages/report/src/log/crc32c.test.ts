import { describe, expect, it } from 'vitest';
import { crc32c, maskedCrc32c } from './crc32c.js';

/** RFC 3720, appendix B.4; the RFC prints the bytes of each sum, the lowest first. */
const published: [string, Uint8Array, number][] = [
  ['32 zeros', new Uint8Array(32), 0x8a9136aa],
  ['32 bytes of ones', new Uint8Array(32).fill(0xff), 0x62a8ab43],
  ['32 bytes that rise', Uint8Array.from({ length: 32 }, (_, index) => index), 0x46dd794e],
  ['32 bytes that fall', Uint8Array.from({ length: 32 }, (_, index) => 31 - index), 0x113fdb5c],
  [
    'an iSCSI read command',
    Buffer.from(
      '01c00000000000000000000000000000140000000000040000000014000000182800000000000000' + '0200000000000000',
      'hex',
    ),
    0xd9963a56,
  ],
];

describe('crc32c', () => {
  it.each(published)('of %s is what RFC 3720 says', (_, bytes, sum) => {
    expect(crc32c(bytes)).toBe(sum);
  });

  it('of the check string and of nothing is that of the catalogues', () => {
    expect(crc32c(Buffer.from('123456789'))).toBe(0xe3069283);
    expect(crc32c(new Uint8Array())).toBe(0);
  });
});

it('masks as TensorFlow does: the header of a record of 24 bytes in a file that it wrote', () => {
  // The first bytes of event files whose version event has 24 bytes: 18 00 00 00 00 00 00 00 a3 7f 4b 22.
  expect(maskedCrc32c(Uint8Array.of(24, 0, 0, 0, 0, 0, 0, 0))).toBe(0x224b7fa3);
});
