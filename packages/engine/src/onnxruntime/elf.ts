import { closeSync, openSync, readSync } from 'node:fs';

const [LOADED, DYNAMIC] = [1, 2];
const [END, NEEDED, STRINGS] = [0, 1, 5];

/**
 * Reads which libraries a shared library of Linux (ELF, 64 bits, little-endian) asks the system's linker for.
 *
 * @returns their names, such as `libcublas.so.13`; none for a file of another format
 */
export function neededLibraries(path: string): string[] {
  const file = openSync(path, 'r');
  try {
    const at = (offset: number, length: number) => {
      const buffer = Buffer.alloc(length);
      return buffer.subarray(0, readSync(file, buffer, 0, length, offset));
    };
    const header = at(0, 64);
    if (header.length < 64 || header.readUInt32BE(0) !== 0x7f454c46) return [];
    const [size, count] = [header.readUInt16LE(54), header.readUInt16LE(56)];
    const table = at(Number(header.readBigUInt64LE(32)), size * count);
    const segments = Array.from({ length: Math.floor(table.length / size) }, (_, i) => {
      const field = (offset: number) => Number(table.readBigUInt64LE(i * size + offset));
      return { type: table.readUInt32LE(i * size), offset: field(8), address: field(16), bytes: field(32) };
    });
    const dynamic = segments.find(({ type }) => type === DYNAMIC);
    if (dynamic === undefined) return [];
    const entries = readEntries(at(dynamic.offset, dynamic.bytes));
    const address = entries.find(([tag]) => tag === STRINGS)?.[1] ?? 0;
    const holder = segments.find(
      (each) => each.type === LOADED && address >= each.address && address < each.address + each.bytes,
    );
    if (holder === undefined) return [];
    const strings = holder.offset + address - holder.address;
    const names = entries.filter(([tag]) => tag === NEEDED).map(([, place]) => at(strings + place, 256));
    return names.map((name) => name.subarray(0, Math.max(0, name.indexOf(0))).toString('latin1'));
  } finally {
    closeSync(file);
  }
}

/** Pairs of a tag and a value, up to the one that ends them. */
function readEntries(table: Buffer): (readonly [tag: number, value: number])[] {
  const entries: (readonly [number, number])[] = [];
  for (let i = 0; i + 16 <= table.length; i += 16) {
    const tag = Number(table.readBigInt64LE(i));
    if (tag === END) break;
    entries.push([tag, Number(table.readBigUInt64LE(i + 8))]);
  }
  return entries;
}
