import { elementAt } from '../checked.js';
/** An array, or the length of one that another process has. */
export type Piece = Float32Array | { readonly length: number };

/** Arrays seen as a single one: one after the other, in a fixed order. */
export class FlatArrays {
  readonly length: number;
  private readonly starts: readonly number[];

  constructor(private readonly pieces: readonly Piece[]) {
    let length = 0;
    this.starts = pieces.map((piece) => {
      const start = length;
      length += piece.length;
      return start;
    });
    this.length = length;
  }

  /** The memory of a range that lies within one array; undefined for any other. */
  view(start: number, end: number): Float32Array | undefined {
    const i = this.starts.findIndex((at, k) => at <= start && end <= at + elementAt(this.pieces, k).length);
    const piece = this.pieces[i];
    if (!(piece instanceof Float32Array)) return undefined;
    return piece.subarray(start - elementAt(this.starts, i), end - elementAt(this.starts, i));
  }

  /** Copies the range that begins at `start` into a buffer; arrays that are not here leave their place as it is. */
  read(start: number, into: Float32Array): void {
    this.overlaps(start, into, (piece, buffer) => buffer.set(piece));
  }

  /** Copies a buffer to the range that begins at `start`; what belongs to arrays that are not here is left out. */
  write(start: number, from: Float32Array): void {
    this.overlaps(start, from, (piece, buffer) => piece.set(buffer));
  }

  private overlaps(
    start: number,
    buffer: Float32Array,
    copy: (piece: Float32Array, buffer: Float32Array) => void,
  ): void {
    const end = start + buffer.length;
    for (const [i, piece] of this.pieces.entries()) {
      const at = elementAt(this.starts, i);
      const [from, to] = [Math.max(start, at), Math.min(end, at + piece.length)];
      if (from >= to || !(piece instanceof Float32Array)) continue;
      copy(piece.subarray(from - at, to - at), buffer.subarray(from - start, to - start));
    }
  }
}
