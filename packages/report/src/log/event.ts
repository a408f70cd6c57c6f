import { maskedCrc32c } from './crc32c.js';

// Wire types of protocol buffers.
const VARINT = 0;
const FIXED64 = 1;
const BYTES = 2;
const FIXED32 = 5;

/** SessionLog.START of tensorflow/core/util/event.proto. */
const START = 1;

/** The first event of a file, which names the version of the format. */
export function versionEvent(wallTime: number): Buffer {
  return Buffer.concat([double(1, wallTime), bytes(3, Buffer.from('brain.Event:2'))]);
}

/**
 * An event that says that a run starts at a step once more: TensorBoard drops what older files of the run say of this
 * step and of later ones.
 */
export function startEvent(step: number, wallTime: number): Buffer {
  return Buffer.concat([double(1, wallTime), integer(2, step), bytes(7, integer(1, START))]);
}

/**
 * `Event { wall_time = 1, step = 2, summary = 5 { value = 1 { tag = 1, simple_value = 2 } } }` in the encoding of
 * protocol buffers (tensorflow/core/util/event.proto, summary.proto).
 *
 * @param step a whole number from 0 to 2^53 - 1
 * @param wallTime seconds since 1970
 */
export function scalarsEvent(
  step: number,
  wallTime: number,
  values: Readonly<Record<string, number>>,
): Buffer {
  const summary = Object.entries(values).map(([tag, value]) =>
    bytes(1, Buffer.concat([bytes(1, Buffer.from(tag)), float(2, value)])),
  );
  return Buffer.concat([double(1, wallTime), integer(2, step), bytes(5, Buffer.concat(summary))]);
}

/** A record of a TFRecord file: length (uint64), its masked CRC32C, the data, its masked CRC32C; little-endian. */
export function tfRecord(data: Buffer): Buffer {
  const record = Buffer.alloc(12 + data.length + 4);
  record.writeBigUInt64LE(BigInt(data.length), 0);
  record.writeUInt32LE(maskedCrc32c(record.subarray(0, 8)), 8);
  data.copy(record, 12);
  record.writeUInt32LE(maskedCrc32c(data), 12 + data.length);
  return record;
}

/** Seven bits a byte, the lowest first; the high bit says that more follow. */
function varint(value: number): Buffer {
  const written: number[] = [];
  let rest = value;
  // By division: a step may have more than the 32 bits of a shift.
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) written.push((rest % 0x80) | 0x80);
  return Buffer.from([...written, rest]);
}

function key(field: number, wireType: number): Buffer {
  return varint(field * 8 + wireType);
}

function integer(field: number, value: number): Buffer {
  return Buffer.concat([key(field, VARINT), varint(value)]);
}

function bytes(field: number, content: Buffer): Buffer {
  return Buffer.concat([key(field, BYTES), varint(content.length), content]);
}

function double(field: number, value: number): Buffer {
  const number = Buffer.alloc(8);
  number.writeDoubleLE(value);
  return Buffer.concat([key(field, FIXED64), number]);
}

function float(field: number, value: number): Buffer {
  const number = Buffer.alloc(4);
  number.writeFloatLE(value);
  return Buffer.concat([key(field, FIXED32), number]);
}
