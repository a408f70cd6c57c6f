import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { hostname, networkInterfaces } from 'node:os';
import { TrainError } from '../error.js';
import { findLost, type Lost, type Sign } from './verdict.js';

/** Address of rank 0, with the token that lets a rank in. */
export interface Address {
  readonly hosts: readonly string[];
  readonly port: number;
  readonly token: string;
}

/** Progress of a rank, as it reports it. */
export type Progress = Pick<Sign, 'entered' | 'patient'> & { readonly waited: number | undefined };

type Message =
  | { readonly kind: 'hello'; readonly token: string; readonly rank: number }
  | ({ readonly kind: 'beat' } & Progress)
  | { readonly kind: 'bye' }
  | { readonly kind: 'end' };

/** Options of both ends. */
export interface WatchOptions {
  /** Silence or delay after which a rank counts as stalled, in milliseconds. */
  readonly limit: number;
  /** This rank's own progress. */
  readonly progress: () => Progress;
  /** Called once. Without a rank when rank 0 has found it and says so. */
  readonly onLost: (lost: Lost | undefined) => void;
}

/** Watches the other ranks until it is closed. */
export interface Watchdog {
  /** Tells the others to end. */
  end(): void;
  /** Takes leave: from now on broken connections mean nothing. */
  close(): void;
}

const longestLine = 1024;

/**
 * Rank 0: hears all ranks, decides which one is lost and tells the others to end.
 *
 * @param shared whether all ranks are on this machine; the port is then open on it only
 */
export async function watchAll(
  shared: boolean,
  size: number,
  { limit, progress, onLost }: WatchOptions,
): Promise<{ address: Address; watchdog: Watchdog }> {
  const token = randomBytes(16).toString('hex');
  const server = createServer();
  server.listen(0, shared ? '127.0.0.1' : undefined);
  await once(server, 'listening');
  server.unref();
  const roster = createRoster(size, limit, onLost);
  server.on('connection', (socket) => admit(socket, token, roster));
  const stop = everyBeat(limit, (late) => {
    roster.beat(progress(), late);
    for (const socket of roster.sockets.values()) send(socket, { kind: 'beat', ...progress() });
    roster.judge();
  });
  const watchdog: Watchdog = {
    end() {
      roster.end();
      for (const socket of roster.sockets.values()) send(socket, { kind: 'end' });
    },
    close() {
      roster.end();
      stop();
      server.close();
      for (const socket of roster.sockets.values()) {
        send(socket, { kind: 'bye' });
        socket.end();
      }
    },
  };
  // A server that listens on TCP has an address with a port.
  const { port } = server.address() as AddressInfo;
  return { address: { hosts: shared ? ['127.0.0.1'] : ownHosts(), port, token }, watchdog };
}

/** Signs of life of all ranks, which rank 0 keeps. */
type Roster = ReturnType<typeof createRoster>;

function createRoster(size: number, limit: number, onLost: (lost: Lost | undefined) => void) {
  const start = performance.now();
  const sockets = new Map<number, Socket>();
  const left = new Set<number>();
  const silent: Sign = {
    heard: start,
    spoke: start,
    entered: 0,
    waitingSince: undefined,
    patient: false,
    gone: false,
  };
  const signs: Sign[] = Array.from({ length: size }, () => silent);
  let ended = false;
  const finish = (lost: Lost | undefined) => {
    if (ended) return;
    ended = true;
    onLost(lost);
  };
  const judge = () => {
    const lost = findLost(signs, performance.now(), limit);
    if (lost !== undefined) finish(lost);
  };
  return {
    sockets,
    judge,
    finish,
    end() {
      ended = true;
    },
    knows: (rank: number) => signs[rank] !== undefined,
    leave: (rank: number) => left.add(rank),
    hear(rank: number, message: Progress) {
      signs[rank] = heard(message);
    },
    lose(rank: number) {
      if (left.has(rank)) return;
      signs[rank] = { ...(signs[rank] ?? silent), gone: true };
      judge();
    },
    beat(own: Progress, late: boolean) {
      const now = performance.now();
      signs[0] = heard(own);
      for (const [rank, sign] of signs.entries()) {
        // This process slept: what the others said in that time is still to be read.
        if (late || left.has(rank)) signs[rank] = { ...sign, heard: now };
      }
    },
  };
}

/** Listens to a connection; it belongs to a rank once that has said the token. */
function admit(socket: Socket, token: string, roster: Roster): void {
  let rank: number | undefined;
  receive(socket, (message) => {
    if (rank === undefined) {
      const known = message.kind === 'hello' && message.token === token;
      if (!known || !Number.isInteger(message.rank) || !roster.knows(message.rank)) {
        socket.destroy();
        return;
      }
      rank = message.rank;
      roster.sockets.set(rank, socket);
    } else if (message.kind === 'bye') roster.leave(rank);
    else if (message.kind === 'end') roster.finish(undefined);
    else if (message.kind === 'beat') roster.hear(rank, message);
  });
  socket.on('close', () => {
    if (rank !== undefined) roster.lose(rank);
  });
}

/** The name first: a machine has addresses that others cannot reach, of containers for example. */
function ownHosts(): string[] {
  const own = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
  const outward = own.filter(({ internal, family }) => !internal && family === 'IPv4');
  return [hostname(), ...outward.map(({ address }) => address)].slice(0, 16);
}

/**
 * Another rank: tells rank 0 how it gets on, and watches rank 0.
 *
 * @throws TrainError `mpi` when rank 0 cannot be reached
 */
export async function watchFirst(
  address: Address,
  rank: number,
  { limit, progress, onLost }: WatchOptions,
): Promise<Watchdog> {
  const socket = await reach(address);
  send(socket, { kind: 'hello', token: address.token, rank });
  let last = performance.now();
  let ended = false;
  const finish = (lost: Lost | undefined) => {
    if (ended) return;
    ended = true;
    onLost(lost);
  };
  receive(socket, ({ kind }) => {
    last = performance.now();
    if (kind === 'bye') ended = true;
    if (kind === 'end') finish(undefined);
  });
  socket.on('close', () => finish({ rank: 0, why: 'ended without taking leave' }));
  const stop = everyBeat(limit, (late) => {
    const now = performance.now();
    if (late) last = now;
    send(socket, { kind: 'beat', ...progress() });
    if (now - last > limit) {
      finish({ rank: 0, why: `has given no sign of life for ${Math.round(limit / 1000)} s` });
    }
  });
  return {
    end() {
      ended = true;
      send(socket, { kind: 'end' });
    },
    close() {
      ended = true;
      stop();
      send(socket, { kind: 'bye' });
      socket.end();
    },
  };
}

function heard({ entered, patient, waited }: Progress): Sign {
  const now = performance.now();
  const waitingSince = waited === undefined ? undefined : now - waited;
  return { heard: now, spoke: now, entered, patient, waitingSince, gone: false };
}

/** Beats ten times within the limit, and says whether a beat came so late that this process must have slept. */
function everyBeat(limit: number, beat: (late: boolean) => void): () => void {
  const interval = Math.min(1000, limit / 10);
  let last = performance.now();
  const timer = setInterval(() => {
    const now = performance.now();
    const late = now - last > limit / 4 + interval;
    last = now;
    beat(late);
  }, interval);
  timer.unref();
  return () => clearInterval(timer);
}

function send(socket: Socket, message: Message): void {
  if (socket.writable) socket.write(`${JSON.stringify(message)}\n`);
}

function receive(socket: Socket, take: (message: Message) => void): void {
  socket.unref();
  socket.setNoDelay(true);
  // A broken connection is seen when it closes.
  socket.on('error', () => {});
  socket.setEncoding('utf8');
  let rest = '';
  socket.on('data', (chunk: string) => {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop() ?? '';
    try {
      if (rest.length > longestLine) throw new RangeError('a line without an end');
      for (const line of lines) take(JSON.parse(line) as Message);
    } catch {
      socket.destroy();
    }
  });
}

async function reach({ hosts, port }: Address): Promise<Socket> {
  for (const host of hosts) {
    const socket = connect({ host, port, timeout: 10_000 });
    socket.on('timeout', () => socket.destroy(new Error('timeout')));
    try {
      await once(socket, 'connect');
      socket.setTimeout(0);
      return socket;
    } catch {
      // The next address.
    }
  }
  throw new TrainError(
    'mpi',
    `rank 0 cannot be reached at ${hosts.join(', ')}, port ${port}`,
    'let the machines of the run connect to each other on all ports',
  );
}
