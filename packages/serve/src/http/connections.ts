import type { Socket } from 'node:net';
import { Connection } from './connection.js';
import { createPacer } from './pacer.js';

/** The connections that are open. */
export interface Connections {
  /** Takes a new connection in, if need be in the place of another; undefined where there is none to close. */
  accept(socket: Socket): Connection | undefined;
  /** Returns the number of open connections. */
  count(): number;
}

/**
 * Creates the set of open connections, of which there are at most `limit`. Where it is full, a new one takes the place of the
 * idlest: clients that are silent, or send their requests slowly, keep nobody out. A connection whose request waits for its
 * answer is never closed.
 */
export function createConnections(limit: number): Connections {
  const open = new Set<Connection>();
  const pacer = createPacer();
  return {
    accept(socket) {
      if (open.size >= limit) {
        const idlest = findIdlest(open);
        if (idlest === undefined) {
          socket.destroy();
          return undefined;
        }
        open.delete(idlest);
        idlest.destroy();
      }
      const connection = new Connection(socket, pacer);
      open.add(connection);
      connection.on('close', () => open.delete(connection));
      return connection;
    },
    count: () => open.size,
  };
}

/**
 * Weights of the time that a connection has been in its state. One that owes a request counts as idler than one that was
 * answered and may ask again; a newcomer has time to ask even if all others were answered once.
 */
const weights = { new: 4, sending: 4, idle: 1, waiting: 0 } as const;

function findIdlest(open: Iterable<Connection>): Connection | undefined {
  const now = performance.now();
  let idlest: Connection | undefined;
  let longest = 0;
  for (const connection of open) {
    const idleness = weights[connection.state] * (now - connection.since);
    if (idleness <= longest) continue;
    idlest = connection;
    longest = idleness;
  }
  return idlest;
}
