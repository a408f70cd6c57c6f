import { DataError } from '../error.js';

/** The bytes of one element of an array, not parsed. */
export interface ArrayElement {
  /** Its bytes, in pieces; none where it is too long. */
  readonly parts: readonly Buffer[];
  /** Position in the array, counted from 1. */
  readonly number: number;
  readonly isLong: boolean;
}

const [QUOTE, COMMA, COLON, OPEN, BACKSLASH, CLOSE, BEGIN, END] = Buffer.from('",:[\\]{}');
/** Longest name of a field that is looked at, in bytes. */
const NAME_LIMIT = 64;

/**
 * Finds the elements of a JSON array in pieces of a file, without holding more than one of them: of the array that the file is, or
 * of the array `examples` of the object that it is. What an element holds is not judged.
 */
export class ArrayScanner {
  private depth = 0;
  /** Depth of the elements, once the array has begun. */
  private inside: number | undefined;
  private isDone = false;
  private inString = false;
  private isEscaped = false;
  private number = 1;
  private parts: Buffer[] = [];
  private length = 0;
  private isBlank = true;
  /** The field of the outer object whose value is looked for. */
  private name = '';
  private isName = false;
  private isLong = false;

  constructor(
    private readonly path: string,
    private readonly limit: number,
  ) {}

  /** @throws {DataError} `bad-json` */
  *push(chunk: Buffer): Generator<ArrayElement> {
    let start = 0;
    for (let at = 0; at < chunk.length; at++) {
      const byte = chunk[at];
      if (this.inString) {
        this.inText(byte);
      } else if (this.isDone && this.depth === 0) {
        if (!isSpace(byte)) throw this.broken('goes on after its array');
      } else if (byte === QUOTE) {
        [this.inString, this.isBlank] = [true, false];
        this.beginName();
      } else if (byte === OPEN || byte === BEGIN) {
        if (this.inside === undefined && this.begins(byte)) {
          start = at + 1;
          [this.inside, this.isBlank] = [this.depth + 1, true];
        } else this.isBlank = false;
        this.depth++;
      } else if (byte === CLOSE || byte === END) {
        if (this.depth === this.inside) {
          yield* this.finish(chunk.subarray(start, at), byte === CLOSE);
          if (byte !== CLOSE)
            throw this.broken(`closes its array with another bracket at record ${this.number}`);
          [this.inside, this.isDone] = [undefined, true];
        }
        this.depth--;
        if (this.depth < 0) throw this.broken('closes more brackets than it opens');
      } else if (byte === COMMA && this.depth === this.inside) {
        yield* this.finish(chunk.subarray(start, at), false);
        start = at + 1;
        this.number++;
      } else if (this.inside === undefined) {
        this.outside(byte);
      } else if (this.isBlank && !isSpace(byte)) this.isBlank = false;
    }
    if (this.inside !== undefined) yield* this.keep(chunk.subarray(start));
  }

  /** @throws {DataError} `bad-json` for what ends too early */
  end(): void {
    if (this.inside !== undefined)
      throw this.broken(`ends in the middle of its array, in record ${this.number}`);
    if (this.depth > 0) throw this.broken('ends in the middle of an object');
    if (!this.isDone) throw this.noArray();
  }

  private inText(byte: number | undefined): void {
    if (this.isEscaped) this.isEscaped = false;
    else if (byte === BACKSLASH) this.isEscaped = true;
    else if (byte === QUOTE) [this.inString, this.isName] = [false, false];
    if (this.isName && this.name.length < NAME_LIMIT) this.name += String.fromCharCode(byte ?? 0);
  }

  /** Reads the name of a field of the outer object. */
  private beginName(): void {
    if (this.inside !== undefined || this.depth !== 1) return;
    this.isName = true;
    this.name = '';
  }

  /** Whether a bracket begins the array whose elements are wanted. */
  private begins(byte: number | undefined): boolean {
    if (byte !== OPEN) return false;
    const isOwn = this.depth === 0 || (this.depth === 1 && this.name === 'examples');
    if (isOwn && this.isDone) throw this.broken('has the field "examples" twice');
    return isOwn;
  }

  private outside(byte: number | undefined): void {
    if (this.depth === 0 && !isSpace(byte) && !isByteOrderMark(byte)) throw this.noArray();
    // A name that is not followed by an array is none of an array.
    if (this.depth === 1 && !isSpace(byte) && byte !== COLON) this.name = '';
  }

  /** Keeps a piece of the present element, unless that is too long. */
  private *keep(piece: Buffer): Generator<ArrayElement> {
    this.length += piece.length;
    if (this.length <= this.limit) this.parts.push(piece);
    else if (!this.isLong) {
      this.parts = [];
      this.isLong = true;
      yield { parts: [], number: this.number, isLong: true };
    }
  }

  private *finish(piece: Buffer, isLast: boolean): Generator<ArrayElement> {
    yield* this.keep(piece);
    const { parts, number, isLong } = this;
    // An array without elements has one blank place; after a comma a blank one is a mistake.
    const isNone = isLast && this.isBlank && number === 1;
    if (!isLong && !isNone) yield { parts, number, isLong };
    [this.parts, this.length, this.isBlank, this.isLong] = [[], 0, true, false];
  }

  private broken(problem: string): DataError {
    return new DataError(
      'bad-json',
      `${this.path} is not JSON: it ${problem}`,
      'repair it; a download that was cut off often ends this way',
    );
  }

  private noArray(): DataError {
    return new DataError('bad-json', `${this.path} holds no array`, 'wrap the records in [ ], or use .jsonl');
  }
}

function isSpace(byte: number | undefined): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
}

function isByteOrderMark(byte: number | undefined): boolean {
  return byte === 0xef || byte === 0xbb || byte === 0xbf;
}
