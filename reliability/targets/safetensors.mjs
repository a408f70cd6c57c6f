import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { float32 } from '@gram/engine';
import { readSafetensors, writeSafetensors } from '@gram/model';
import { mutateBytes, mutateJson } from '../mutate.mjs';
import { describeArrays } from './tiny.mjs';

export const safetensors = {
  name: 'safetensors',
  title: 'safetensors',
  async open(folder) {
    const path = join(folder, 'model.safetensors');
    const array = (shape, from) =>
      float32(
        shape,
        Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => i / 7 + from),
      );
    await writeSafetensors(
      path,
      { 'a.weight': array([3, 4], 1), b: array([5], 2), c: array([2, 1, 3], -1) },
      { made: 'by the suite' },
    );
    const original = readFileSync(path);
    const describe = ({ tensors }) => describeArrays(Object.fromEntries(Object.entries(tensors)));
    return {
      answer: describe(await readSafetensors(path)),
      mutate: (random) => mutateFile(random, original),
      async read(bytes) {
        writeFileSync(path, bytes);
        return describe(await readSafetensors(path));
      },
      unexplained: (bytes, answer) => (answer === describeArrays(plainly(bytes)) ? undefined : answer),
    };
  },
};

/** Changes bytes anywhere, mostly in the header, or the header as JSON with the length that goes with it. */
export function mutateFile(random, bytes) {
  const length = Number(bytes.readBigUInt64LE(0));
  if (random.integer(3) > 0)
    return mutateBytes(random, bytes, { within: random.integer(3) ? 8 + length : bytes.length });
  const header = Buffer.from(
    JSON.stringify(mutateJson(random, JSON.parse(bytes.subarray(8, 8 + length).toString()))),
  );
  const prefix = Buffer.alloc(8);
  prefix.writeBigUInt64LE(BigInt(header.length));
  return Buffer.concat([prefix, header, bytes.subarray(8 + length)]);
}

/** What a file says by the specification, read without any check. */
export function plainly(bytes) {
  const length = Number(bytes.readBigUInt64LE(0));
  const { __metadata__: _, ...entries } = JSON.parse(bytes.subarray(8, 8 + length).toString());
  const arrays = Object.entries(entries).map(
    ([
      name,
      {
        dtype,
        shape,
        data_offsets: [start, end],
      },
    ]) => {
      const data = Uint8Array.from(bytes.subarray(8 + length + start, 8 + length + end));
      return [
        name,
        {
          shape,
          data:
            dtype === 'F32' ? new Float32Array(data.buffer) : widened(dtype, new Uint16Array(data.buffer)),
        },
      ];
    },
  );
  return Object.fromEntries(arrays);
}

function widened(dtype, halves) {
  const result = new Float32Array(halves.length);
  const bits = new Uint32Array(result.buffer);
  for (const [at, half] of halves.entries()) {
    if (dtype === 'BF16') bits[at] = half << 16;
    else result[at] = float16(half);
  }
  return result;
}

function float16(half) {
  const [sign, exponent, fraction] = [half >> 15 ? -1 : 1, (half >> 10) & 31, half & 1023];
  if (exponent === 31) return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY;
  return exponent === 0 ? sign * fraction * 2 ** -24 : sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}
