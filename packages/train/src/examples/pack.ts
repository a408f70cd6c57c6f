import type { ExampleCodec, PlainExample } from './codec.js';

// Examples are packed one behind the other. All numbers are little-endian: the length of each list (int32), the numbers (float64),
// the lists (int32).

/** Numbers of an entry of an index. */
export const INDEX_WIDTH = 3;

/** Examples in the form in which a store keeps them. */
export interface PackedExamples {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Three numbers for each example: its place in `bytes`, its length and its weight. */
  readonly index: Float64Array<ArrayBuffer>;
}

/** Packs examples. */
export function packExamples<Example>(
  codec: ExampleCodec<Example>,
  examples: readonly Example[],
): PackedExamples {
  const plain = examples.map((example) => codec.write(example));
  const bytes = new Uint8Array(plain.reduce((sum, each) => sum + sizeOf(each), 0));
  const index = new Float64Array(INDEX_WIDTH * examples.length);
  let place = 0;
  for (const [at, example] of examples.entries()) {
    index.set([place, codec.length(example), codec.weight(example)], INDEX_WIDTH * at);
    place = write(plain[at] ?? NOTHING, bytes.buffer, place);
  }
  return { bytes, index };
}

const NOTHING: PlainExample = { lists: [], numbers: [] };

function sizeOf({ lists, numbers }: PlainExample): number {
  return lists.reduce((sum, { length }) => sum + 4 + 4 * length, 8 * numbers.length);
}

/** Writes an example at a place, and returns where it ends. */
function write({ lists, numbers }: PlainExample, bytes: ArrayBuffer, start: number): number {
  const view = new DataView(bytes);
  let place = start;
  for (const { length } of lists) {
    view.setInt32(place, length, true);
    place += 4;
  }
  for (const number of numbers) {
    view.setFloat64(place, number, true);
    place += 8;
  }
  for (const list of lists) {
    new Int32Array(bytes, place, list.length).set(list);
    place += 4 * list.length;
  }
  return place;
}

/** Reads one example; undefined where the number of its bytes is not the one that they say. */
export function unpackExample<Example>(
  { lists: listCount, numbers: numberCount, read }: ExampleCodec<Example>,
  bytes: ArrayBuffer,
): Example | undefined {
  const header = 4 * listCount + 8 * numberCount;
  if (bytes.byteLength < header) return undefined;
  const view = new DataView(bytes);
  const sizes = Array.from({ length: listCount }, (_, at) => view.getInt32(4 * at, true));
  const numbers = Array.from({ length: numberCount }, (_, at) =>
    view.getFloat64(4 * listCount + 8 * at, true),
  );
  const total = sizes.reduce((sum, size) => sum + size, 0);
  if (sizes.some((size) => size < 0) || header + 4 * total !== bytes.byteLength) return undefined;
  let place = header;
  const lists = sizes.map((size) => {
    const list = Array.from(new Int32Array(bytes, place, size));
    place += 4 * size;
    return list;
  });
  return read({ lists, numbers });
}
