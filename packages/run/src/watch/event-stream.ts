import type { ServerResponse } from 'node:http';

/** Bytes that a reader may leave unread before it is dropped; several times the largest first message. */
const MAX_BEHIND = 2 ** 21;
const MAX_READERS = 16;
const RETRY_MS = 2000;
/** Time that the last messages may take when the stream is closed, in milliseconds. */
const LAST_MS = 500;

/** Server-sent events to all who listen. Whoever reads too slowly is dropped and begins anew when it comes back. */
export interface EventStream {
  /** Counts the readers. */
  readers(): number;
  /** Starts to send to one more, `first` before anything else. False, and nothing is done, where there are too many. */
  accept(response: ServerResponse, first: () => string): boolean;
  /** Sends a message to all readers. */
  send(message: string): void;
  /** Sends a message to the readers that have read everything: for what is sent again soon. */
  sendToIdle(message: string): void;
  /** Ends all streams; resolves when what was sent is on its way, at the latest after half a second. */
  close(): Promise<void>;
}

/** One message of a stream, with its data as JSON; a number that is not finite becomes null. */
export function eventMessage(event: string, data: unknown): string {
  // JSON has no line feed outside of its strings, and escapes those within.
  return `event: ${event}\ndata: ${JSON.stringify(data)}\n\n`;
}

export function createEventStream(): EventStream {
  const open = new Set<ServerResponse>();

  function write(response: ServerResponse, message: string): void {
    response.write(message);
    if (response.writableLength > MAX_BEHIND) response.destroy();
  }

  return {
    readers: () => open.size,
    accept(response, first) {
      if (open.size >= MAX_READERS) return false;
      open.add(response);
      response.on('close', () => open.delete(response));
      // A reader that went away is no error of the run.
      response.on('error', () => response.destroy());
      write(response, `retry: ${RETRY_MS}\n\n${first()}`);
      return true;
    },
    send(message) {
      for (const response of open) write(response, message);
    },
    sendToIdle(message) {
      for (const response of open) if (response.writableLength === 0) write(response, message);
    },
    async close() {
      const ended = [...open].map(
        (response) => new Promise<void>((resolve) => response.end(() => resolve())),
      );
      let timer: NodeJS.Timeout | undefined;
      const late = new Promise<void>((resolve) => {
        timer = setTimeout(resolve, LAST_MS);
      });
      if (ended.length > 0) await Promise.race([Promise.all(ended), late]);
      clearTimeout(timer);
      for (const response of open) response.destroy();
    },
  };
}
