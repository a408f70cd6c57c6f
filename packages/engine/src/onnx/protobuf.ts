/**
 * Writes the four wire types of protocol buffers that ONNX needs, front to back. A schema library would bring generated code for
 * hundreds of fields, of which about twenty are written.
 */
export class ProtobufWriter {
  private chunks: Uint8Array[] = [];
  private buffer = new Uint8Array(1024);
  private length = 0;

  /** Writes a field of type int32, int64 or enum. Negative numbers take ten bytes, as the format demands. */
  int(field: number, value: number): this {
    this.tag(field, 0);
    return this.varint(BigInt.asUintN(64, BigInt(value)));
  }

  /** Writes a field of type float. */
  float(field: number, value: number): this {
    this.tag(field, 5);
    const bytes = new Uint8Array(4);
    new DataView(bytes.buffer).setFloat32(0, value, true);
    return this.raw(bytes);
  }

  /** Writes a field of type string. */
  string(field: number, value: string): this {
    return this.bytes(field, new TextEncoder().encode(value));
  }

  /** Writes a field of type bytes. Large values are referenced, not copied, until `finish`. */
  bytes(field: number, value: Uint8Array): this {
    this.tag(field, 2);
    this.varint(BigInt(value.length));
    return this.raw(value);
  }

  /** Writes a field of a message type. */
  message(field: number, write: (writer: ProtobufWriter) => void): this {
    const inner = new ProtobufWriter();
    write(inner);
    return this.bytes(field, inner.finish());
  }

  /** Writes a field of packed repeated int64. */
  packedInts(field: number, values: readonly number[]): this {
    const inner = new ProtobufWriter();
    for (const value of values) inner.varint(BigInt.asUintN(64, BigInt(value)));
    return this.bytes(field, inner.finish());
  }

  /** Gives all bytes that were written. */
  finish(): Uint8Array {
    this.flush();
    const out = new Uint8Array(this.chunks.reduce((total, chunk) => total + chunk.length, 0));
    let offset = 0;
    for (const chunk of this.chunks) {
      out.set(chunk, offset);
      offset += chunk.length;
    }
    return out;
  }

  private tag(field: number, wireType: number): void {
    this.varint(BigInt((field << 3) | wireType));
  }

  private varint(value: bigint): this {
    if (this.length + 10 > this.buffer.length) this.flush();
    let rest = value;
    while (rest > 0x7fn) {
      this.buffer[this.length++] = Number(rest & 0x7fn) | 0x80;
      rest >>= 7n;
    }
    this.buffer[this.length++] = Number(rest);
    return this;
  }

  private raw(bytes: Uint8Array): this {
    if (bytes.length > 256) {
      this.flush();
      this.chunks.push(bytes);
      return this;
    }
    if (this.length + bytes.length > this.buffer.length) this.flush();
    this.buffer.set(bytes, this.length);
    this.length += bytes.length;
    return this;
  }

  private flush(): void {
    if (this.length > 0) this.chunks.push(this.buffer.slice(0, this.length));
    this.length = 0;
  }
}
