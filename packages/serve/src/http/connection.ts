import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { type PacedReader, type Pacer, SLICE_BYTES } from './pacer.js';

/** Longest time in which a client may go on sending a refused body. */
export const REFUSED_MS = 1000;

/** Interval at which a client that sends no more, and has no answer yet, is asked whether it is still there. */
const PROBE_MS = 250;

/** State of a connection: it owes its first request, owes nothing, sends a body, or waits for an answer. */
export type ConnectionState = 'new' | 'idle' | 'sending' | 'waiting';

/**
 * A client's connection, as the HTTP parser sees it: the bytes of its socket, dealt by a pacer. It knows since when it has been
 * idle, and can stop parsing what nobody will read.
 */
export class Connection extends Duplex implements PacedReader {
  readonly #socket: Socket;
  readonly #pacer: Pacer;
  #arrived: Buffer | undefined;
  #hasEnded = false;
  /** Whether the parser takes more. */
  #isWanted = false;
  #isScheduled = false;
  #isDiscarding = false;
  #sending = 0;
  #waiting = 0;
  #hasAsked = false;
  #since = performance.now();

  constructor(socket: Socket, pacer: Pacer) {
    super({ allowHalfOpen: true });
    this.#socket = socket;
    this.#pacer = pacer;
    socket.on('data', (bytes) => this.#receive(bytes));
    socket.on('end', () => this.#end());
    socket.on('timeout', () => this.emit('timeout'));
    socket.on('error', (error) => this.destroy(error));
    socket.on('close', () => this.destroy());
  }

  get state(): ConnectionState {
    if (this.#waiting > 0) return 'waiting';
    if (this.#sending > 0) return 'sending';
    return this.#hasAsked ? 'idle' : 'new';
  }

  /** When the connection came into its state, as `performance.now` counts. */
  get since(): number {
    return this.#since;
  }

  /** Number of requests that are not answered yet: more than one where a client sends requests in advance. */
  get requests(): number {
    return this.#sending + this.#waiting;
  }

  /** Whether the client sends no more. */
  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  get unparsed(): number {
    return this.#arrived?.length ?? 0;
  }

  /** Notes that the headers of a request have come; the functions tell how it goes on. */
  beginRequest(): { readonly onReceived: () => void; readonly onEnd: () => void } {
    this.#hasAsked = true;
    this.#sending += 1;
    this.#since = performance.now();
    let isReceived = false;
    return {
      onReceived: () => {
        if (isReceived) return;
        isReceived = true;
        this.#sending -= 1;
        this.#waiting += 1;
      },
      onEnd: () => {
        if (isReceived) this.#waiting -= 1;
        else this.#sending -= 1;
        this.#since = performance.now();
      },
    };
  }

  /**
   * Reads on without parsing or keeping anything, and closes after a second: a connection that is closed while the client still
   * sends may lose the answer.
   */
  discardRest(): void {
    if (this.#isDiscarding) return;
    this.#isDiscarding = true;
    this.#arrived = undefined;
    this.#socket.resume();
    const timer = setTimeout(() => this.destroy(), REFUSED_MS);
    this.once('close', () => clearTimeout(timer));
  }

  parseSlice(): boolean {
    this.#isScheduled = false;
    const bytes = this.#arrived;
    if (bytes === undefined || this.destroyed) return false;
    this.#arrived = bytes.length > SLICE_BYTES ? bytes.subarray(SLICE_BYTES) : undefined;
    this.#isWanted = this.push(bytes.subarray(0, SLICE_BYTES));
    return this.#continue();
  }

  override _read(): void {
    this.#isWanted = true;
    if (!this.#isScheduled && this.#continue()) this.#schedule();
  }

  override _write(chunk: Buffer, encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#socket.write(chunk, encoding, done);
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#socket.end(done);
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#arrived = undefined;
    this.#socket.destroy();
    done(error);
  }

  /** Closes once everything was written; the HTTP server does so after a last answer. */
  destroySoon(): void {
    const finish = () => {
      if (!this.#isDiscarding || this.#hasEnded) this.destroy();
    };
    if (this.writable) this.end();
    if (this.writableFinished) finish();
    else this.once('finish', finish);
  }

  /** Emits `timeout` after a time without traffic; the HTTP server does so between two requests. */
  setTimeout(milliseconds: number, onTimeout?: () => void): this {
    this.#socket.setTimeout(milliseconds);
    if (onTimeout !== undefined) this.once('timeout', onTimeout);
    return this;
  }

  #receive(bytes: Buffer): void {
    // Nothing more arrives until this is parsed: what a client sends waits with the client.
    this.#socket.pause();
    if (this.#isDiscarding) {
      this.#pacer.addDiscarding(() => this.#socket.resume());
      return;
    }
    this.#arrived = this.#arrived === undefined ? bytes : Buffer.concat([this.#arrived, bytes]);
    if (this.#isWanted && !this.#isScheduled) this.#schedule();
  }

  /** The client sends no more. It may have left, or wait for its answer: only a write to it tells. */
  #end(): void {
    this.#hasEnded = true;
    if (this.#isDiscarding) {
      if (this.writableFinished) this.destroy();
      return;
    }
    if (this.#arrived === undefined) this.push(null);
    const timer = setInterval(() => {
      // An interim answer, which clients of HTTP/1.1 pass over. One that has left resets the connection, and the next write fails.
      if (this.state === 'waiting') this.#socket.write('HTTP/1.1 102 Processing\r\n\r\n');
    }, PROBE_MS);
    this.once('close', () => clearInterval(timer));
  }

  #schedule(): void {
    this.#isScheduled = true;
    this.#pacer.add(this);
  }

  /** Goes on with what has arrived, or lets more arrive. */
  #continue(): boolean {
    if (this.#isDiscarding || this.destroyed) return false;
    if (this.#arrived !== undefined) {
      this.#isScheduled = this.#isWanted;
      return this.#isWanted;
    }
    if (this.#hasEnded) this.push(null);
    else if (this.#isWanted) this.#socket.resume();
    return false;
  }
}
