import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setTimeout } from 'node:timers/promises';

/** A file of a fake repository. */
export interface FakeFile {
  readonly bytes: Uint8Array;
  /** The content is `bytes` this many times. Default 1. */
  readonly repeat?: number;
  /** Stored beside git: served from the other address, named by its sha256. */
  readonly lfs?: boolean;
  /** Overrides fields of the listing. */
  readonly listed?: Record<string, unknown>;
}

export interface FakeRepo {
  /** Commit -> name -> file. */
  readonly commits: Record<string, Record<string, FakeFile>>;
  readonly refs: Record<string, string>;
  /** Who asks without it gets 401. */
  readonly token?: string;
  /** Metadata is public, content needs the token. */
  readonly gated?: boolean;
}

/** What goes wrong with the content of a file; each is used up by one request, the first first. */
export type Fault =
  | 'cut' // sends half of what was asked for, then closes the connection
  | 'cut-at-once' // closes the connection before the first byte
  | 'ignore-range' // sends everything, whatever was asked for
  | 'hang' // sends half, then nothing
  | 'change' // sends one other byte
  | 'shorten' // sends one byte less, and says so
  | 'lengthen' // sends one byte more, without telling the size
  | 500
  | { readonly status: number; readonly retryAfter: string }
  | { readonly location: string };

const CHUNK = 64 * 1024;

export function sizeOf({ bytes, repeat = 1 }: FakeFile): number {
  return bytes.length * repeat;
}

function hashOf(file: FakeFile, algorithm: 'sha1' | 'sha256', header: string): string {
  const hash = createHash(algorithm).update(header);
  for (let i = 0; i < (file.repeat ?? 1); i++) hash.update(file.bytes);
  return hash.digest('hex');
}

/** The name of a file's blob in the cache. */
export function blobOf(file: FakeFile): string {
  return file.lfs ? hashOf(file, 'sha256', '') : hashOf(file, 'sha1', `blob ${sizeOf(file)}\0`);
}

function listedEntry(path: string, file: FakeFile): Record<string, unknown> {
  const size = sizeOf(file);
  const plain = { type: 'file', path, size, oid: hashOf(file, 'sha1', `blob ${size}\0`) };
  const lfs = file.lfs && { oid: hashOf(file, 'sha256', ''), size, pointerSize: 130 };
  return { ...plain, ...(lfs && { lfs, oid: 'f'.repeat(40) }), ...file.listed };
}

async function* piecesOf(file: FakeFile, start: number, end: number): AsyncGenerator<Uint8Array> {
  let at = start;
  while (at < end) {
    const from = at % file.bytes.length;
    const length = Math.min(file.bytes.length - from, end - at, CHUNK);
    yield file.bytes.subarray(from, from + length);
    at += length;
  }
}

/** A hub on loopback with the endpoints that are used, and a second server for the content of large files. */
export class FakeHub {
  readonly repos: Record<string, FakeRepo> = {};
  readonly faults: Record<string, Fault[]> = {};
  /** Names of the files whose content was asked for, with the range. */
  readonly contents: string[] = [];
  /** `Authorization` of each request to the other server. */
  readonly storageTokens: (string | undefined)[] = [];
  /** Answers to metadata in place of the right ones. */
  override: ((url: URL, response: ServerResponse) => boolean) | undefined;
  pageSize = 3;

  private readonly hub = createServer((request, response) => this.answer(request, response));
  private readonly storage = createServer((request, response) => {
    this.storageTokens.push(request.headers.authorization);
    const found = /^\/(.+?\/.+?)\/(.+?)\/(.+)$/.exec(request.url!);
    if (found === null) return this.json(response, []);
    const [, repo, commit, name] = found;
    void this.send(request, response, name!, this.repos[repo!]!.commits[commit!]![name!]!);
  });

  async start(): Promise<void> {
    for (const server of [this.hub, this.storage]) {
      server.listen(0, '127.0.0.1');
      await once(server, 'listening');
    }
  }

  async stop(): Promise<void> {
    for (const server of [this.hub, this.storage]) {
      server.closeAllConnections();
      if (server.listening) await new Promise((resolve) => server.close(resolve));
    }
  }

  private addressOf(server: Server): string {
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  get storageUrl(): string {
    return this.addressOf(this.storage);
  }

  get url(): string {
    return this.addressOf(this.hub);
  }

  private answer(request: IncomingMessage, response: ServerResponse): void {
    const url = new URL(request.url!, this.url);
    const parts = url.pathname.split('/').slice(1).map(decodeURIComponent);
    const api = parts[0] === 'api';
    // Data sets have addresses like models, under a name of their own.
    const path = api ? parts.slice(2) : parts[0] === 'datasets' ? parts.slice(1) : parts;
    const [owner, name, action, revision] = path;
    const file = path.slice(4).join('/');
    const id = `${owner}/${name}`;
    const repo = this.repos[id];
    const refuse = (status: number, code?: string) => {
      response.setHeader('Content-Type', 'application/json');
      if (code !== undefined) response.setHeader('X-Error-Code', code);
      response.writeHead(status);
      response.end(JSON.stringify({ error: code ?? 'refused' }));
    };
    if (api && this.override?.(url, response)) return;
    const allowed =
      repo?.token === undefined || request.headers.authorization === `Bearer ${repo.token}`;
    if (repo === undefined) return refuse(404, 'RepoNotFound');
    if (!allowed && !repo.gated) return refuse(401);
    const commit = repo.refs[revision!] ?? revision!;
    const files = repo.commits[commit];
    if (files === undefined) return refuse(404, 'RevisionNotFound');
    if (action === 'revision') return this.json(response, { _id: '1', id, sha: commit, lastModified: 0 });
    if (action === 'tree') return this.list(url, response, files);
    const content = files[file];
    if (content === undefined) return refuse(404, 'EntryNotFound');
    if (!allowed) return refuse(403, 'GatedRepo');
    if (content.lfs) {
      const location = `${this.storageUrl}/${id}/${commit}/${file}`;
      response.writeHead(302, { Location: location }).end();
      return;
    }
    void this.send(request, response, file, content);
  }

  private json(response: ServerResponse, value: unknown, headers: Record<string, string> = {}): void {
    response.writeHead(200, { 'Content-Type': 'application/json', ...headers });
    response.end(JSON.stringify(value));
  }

  private list(url: URL, response: ServerResponse, files: Record<string, FakeFile>): void {
    const all = Object.entries(files).map(([name, file]) => listedEntry(name, file));
    const start = Number(url.searchParams.get('cursor') ?? 0);
    const end = start + this.pageSize;
    const next = new URL(url);
    next.searchParams.set('cursor', String(end));
    this.json(
      response,
      all.slice(start, end),
      end < all.length ? { Link: `<${next.href}>; rel="next"` } : {},
    );
  }

  private async send(
    request: IncomingMessage,
    response: ServerResponse,
    name: string,
    file: FakeFile,
  ): Promise<void> {
    const { range } = request.headers;
    this.contents.push(range === undefined ? name : `${name} ${range}`);
    const fault = this.faults[name]?.shift();
    const size = sizeOf(file);
    const start = fault === 'ignore-range' ? 0 : Number(/^bytes=(\d+)-$/.exec(range ?? '')?.[1] ?? 0);
    if (fault === 500) {
      response.writeHead(500).end();
      return;
    }
    if (typeof fault === 'object') {
      if ('location' in fault) response.writeHead(302, { Location: fault.location }).end();
      else response.writeHead(fault.status, { 'Retry-After': fault.retryAfter }).end();
      return;
    }
    if (fault === 'cut-at-once') {
      request.socket.destroy();
      return;
    }
    const end = fault === 'shorten' ? size - 1 : size;
    const half = start + Math.floor((end - start) / 2);
    response.writeHead(start > 0 ? 206 : 200, {
      ...(fault !== 'lengthen' && { 'Content-Length': end - start }),
      ...(start > 0 && { 'Content-Range': `bytes ${start}-${end - 1}/${size}` }),
    });
    const stops = fault === 'cut' || fault === 'hang';
    const pieces = piecesOf(file, start, stops ? half : end);
    const sent = Readable.from(pieces);
    const flip = (piece: Uint8Array) => piece.map((byte) => byte ^ 1);
    const content = fault === 'change' ? sent.map(flip) : sent;
    const whole = await pipeline(content, response, { end: false }).then(
      () => true,
      () => false,
    );
    if (!whole) return;
    if (fault === 'lengthen') response.write(Buffer.from('x'));
    // What was written must leave before the connection goes.
    if (fault === 'cut') await setTimeout(50).then(() => request.socket.destroy());
    else if (fault !== 'hang') response.end();
  }
}
