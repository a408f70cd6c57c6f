import { type AddressInfo, createServer, type Server } from 'node:net';
import { ServeError } from '../error.js';
import { readOptions, type ServerOptions } from '../options.js';

/** Address on which a server listens. */
interface Address {
  readonly host: string;
  readonly port: number;
}

/**
 * Starts to listen.
 *
 * @returns the address of the server, such as `http://127.0.0.1:8000`
 * @throws {ServeError} `port-unusable`
 */
export function listenAt(server: Server, { host, port }: Address): Promise<string> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      const reason = cause.code === 'EADDRINUSE' ? 'is taken' : `cannot be used (${cause.code})`;
      const message = `port ${port} of ${host} ${reason}`;
      reject(new ServeError('port-unusable', message, 'choose another host or port', { cause }));
    });
    server.listen(port, host, () => {
      // A server that listens at a host and port has an address of this kind.
      const { address, family, port: actual } = server.address() as AddressInfo;
      resolve(`http://${family === 'IPv6' ? `[${address}]` : address}:${actual}`);
    });
  });
}

/**
 * Checks the options of a server and that its address is free, and leaves nothing open: for before a model is loaded, which may
 * take minutes.
 *
 * @throws {ServeError} `bad-option`, `no-api-key`, `port-unusable`
 * @example
 * await checkAddress({ port: 8000 });
 */
export async function checkAddress(options: ServerOptions): Promise<void> {
  const server = createServer();
  await listenAt(server, readOptions(options));
  await new Promise((resolve) => server.close(resolve));
}
