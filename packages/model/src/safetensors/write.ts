import { type NDArray, sizeOf } from '@gram/engine';
import { ModelError } from '../error.js';
import { writeStreamAtomic } from '../files/atomic.js';
import { quoted } from '../files/json.js';
import { LENGTH_BYTES, MAX_HEADER_BYTES } from './header.js';

type Tensors = Readonly<Record<string, NDArray<'float32'>>>;

function checkTensors(tensors: Tensors): void {
  for (const [name, { shape, data }] of Object.entries(tensors)) {
    const problem =
      name === '__metadata__' || name === '__proto__'
        ? 'has a reserved name'
        : !(data instanceof Float32Array)
          ? 'does not hold float32 values'
          : sizeOf(shape) !== data.length
            ? `has the shape [${shape}] and ${data.length} elements`
            : undefined;
    if (problem !== undefined) {
      throw new ModelError(
        'bad-weights',
        `tensor ${quoted(name)} ${problem}`,
        'pass float32 arrays of the engine',
      );
    }
  }
}

/** Length prefix and header, padded with spaces to a multiple of eight so that the data is aligned. */
function formatHeader(
  tensors: Tensors,
  names: readonly string[],
  metadata: Record<string, string>,
): Uint8Array {
  let position = 0;
  const entries = names.map((name) => {
    const { shape, data } = tensors[name]!;
    const start = position;
    position += data.byteLength;
    return [name, { dtype: 'F32', shape, data_offsets: [start, position] }] as const;
  });
  const sorted = Object.entries({ format: 'pt', ...metadata }).sort(([a], [b]) => (a < b ? -1 : 1));
  const json = JSON.stringify({ __metadata__: Object.fromEntries(sorted), ...Object.fromEntries(entries) });
  const text = new TextEncoder().encode(json);
  const length = Math.ceil(text.length / 8) * 8;
  if (length > MAX_HEADER_BYTES) {
    throw new ModelError(
      'too-large',
      `the header would have ${length} bytes`,
      'write fewer tensors to one file',
    );
  }
  const bytes = new Uint8Array(LENGTH_BYTES + length).fill(0x20);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(length), true);
  bytes.set(text, LENGTH_BYTES);
  return bytes;
}

/**
 * Writes float32 tensors to a safetensors file, atomically. Tensors lie in the order of their names, so equal
 * tensors give equal bytes; one is written after the other, so little memory is taken.
 *
 * @param metadata more text for the header; `format: 'pt'`, which transformers asks for, is always there.
 * @throws ModelError `bad-weights`, `too-large`, `write-failed`.
 */
export async function writeSafetensors(
  path: string,
  tensors: Tensors,
  metadata: Readonly<Record<string, string>> = {},
): Promise<void> {
  checkTensors(tensors);
  const names = Object.keys(tensors).sort();
  const header = formatHeader(tensors, names, metadata);
  await writeStreamAtomic(path, async (handle) => {
    await handle.writeFile(header);
    for (const name of names) {
      const { data } = tensors[name]!;
      await handle.writeFile(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
    }
  });
}
