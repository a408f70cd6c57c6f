/** Makes GGUF files whose parts need not fit each other, for tests. */

export interface FileParts {
  magic?: string;
  version?: number;
  /** Defaults to the number of tensors. */
  tensorCount?: bigint;
  /** Defaults to the number of keys. */
  keyCount?: bigint;
  /** Encoded with `text`, `uint32` and so on; a list, because keys may be repeated. */
  metadata?: readonly (readonly [key: string, value: Buffer])[];
  tensors?: readonly { name: string; shape: readonly bigint[]; type: number; offset: bigint }[];
  alignment?: number;
  dataBytes?: number;
}

const u32 = (value: number) => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
};

const u64 = (value: bigint) => {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(value);
  return bytes;
};

const characters = (value: string) => {
  const bytes = Buffer.from(value);
  return Buffer.concat([u64(BigInt(bytes.length)), bytes]);
};

/** Values of the metadata with the number of their type before them. */
export const uint32 = (value: number) => Buffer.concat([u32(4), u32(value)]);
export const text = (value: string) => Buffer.concat([u32(8), characters(value)]);
export const texts = (values: readonly string[], count = BigInt(values.length)) =>
  Buffer.concat([u32(9), u32(8), u64(count), ...values.map(characters)]);
/** A text of one byte, which is no character. */
export const badText = Buffer.concat([u32(8), u64(1n), Buffer.from([0xff])]);
/** A list of lists without items. */
export const emptyLists = (count: number) =>
  Buffer.concat([u32(9), u32(9), u64(BigInt(count)), Buffer.alloc(12 * count)]);
/** A value of a type that there is not. */
export const nonsense = () => u32(99);

/** The bytes of a file: header, padding, `dataBytes` zeros. */
export function ggufFile(parts: FileParts): Buffer {
  const { metadata = [], tensors = [], alignment = 32 } = parts;
  const header = Buffer.concat([
    Buffer.from(parts.magic ?? 'GGUF'),
    u32(parts.version ?? 3),
    u64(parts.tensorCount ?? BigInt(tensors.length)),
    u64(parts.keyCount ?? BigInt(metadata.length)),
    ...metadata.flatMap(([key, value]) => [characters(key), value]),
    ...tensors.flatMap(({ name, shape, type, offset }) => [
      characters(name),
      u32(shape.length),
      ...shape.map(u64),
      u32(type),
      u64(offset),
    ]),
  ]);
  const padding = (alignment - (header.length % alignment)) % alignment;
  return Buffer.concat([header, Buffer.alloc(padding + (parts.dataBytes ?? 0))]);
}
