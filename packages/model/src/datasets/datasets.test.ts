import { mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { COMMIT, OTHER, text, useTestHub, weights } from '../hub/__fixtures__/test-hub.js';
import { parseDatasetReference } from '../hub/reference.js';
import { fetchUrl } from './fetch-url.js';
import { resolveDataset } from './resolve-dataset.js';

const test = useTestHub();
const isReadable = (name: string) => /\.(jsonl|parquet)$/.test(name);
const matches = (pattern: string, path: string) =>
  new RegExp(`^${pattern.replaceAll('.', String.raw`\.`).replaceAll('*', '[^/]*')}$`).test(path);
const options = { isReadable, matches };

const files = {
  'README.md': text('# Pairs'),
  'all.jsonl': text('{"a":1}\n'),
  'data/train-00000-of-00002.parquet': weights(300_000, 1),
  'data/train-00001-of-00002.parquet': weights(1000, 2),
  'data/test-00000-of-00001.parquet': weights(900, 3),
  'load.py': text('import os'),
};

function serve(some: Parameters<typeof test.hub.serve>[0] = files): void {
  test.hub.repos['owner/name'] = {
    commits: { [COMMIT]: some, [OTHER]: { 'default/train/0000.parquet': weights(700, 4) } },
    refs: { main: COMMIT, 'refs/convert/parquet': OTHER },
  };
}

const folder = (commit = COMMIT) =>
  join(test.hub.root, 'cache', 'datasets--owner--name', 'snapshots', commit);

describe('the name of a data set', () => {
  it.each([
    ['hf://datasets/o/n', 'main', ''],
    ['hf://datasets/o/n@v1.0', 'v1.0', ''],
    ['hf://datasets/o/n/data/train-*.parquet', 'main', 'data/train-*.parquet'],
    ['hf://datasets/o/n@abc/data', 'abc', 'data'],
    ['hf://datasets/o/n@refs/convert/parquet/default/train', 'refs/convert/parquet', 'default/train'],
    ['hf://datasets/o/n@refs/pr/3/a.jsonl', 'refs/pr/3', 'a.jsonl'],
  ])('%s has revision and path', (name, revision, path) => {
    expect(parseDatasetReference(name)).toEqual({ kind: 'dataset', repo: 'o/n', revision, path });
  });

  it.each(['o/n', './hf://datasets/o/n', 'https://x/y.jsonl'])('is not %s', async (name) => {
    expect(await resolveDataset(name, options)).toBeUndefined();
  });

  it.each(['hf://datasets/o', 'hf://datasets/o/n/../../x', 'hf://datasets/../n', 'hf://datasets/o/n@../x'])(
    'cannot be %s',
    async (name) => {
      await expect(resolveDataset(name, options)).rejects.toMatchObject({ code: 'bad-request' });
    },
  );
});

describe('a data set of the hub', () => {
  it('arrives with the files that can be read and nothing else, and is not fetched a second time', async () => {
    serve();
    expect(await resolveDataset('hf://datasets/owner/name', options)).toBe(folder());
    const names = (await readdir(folder(), { recursive: true })).filter(isReadable).sort();
    expect(names).toEqual(Object.keys(files).filter(isReadable).sort());
    expect(await readFile(join(folder(), 'data/train-00000-of-00002.parquet'))).toEqual(
      Buffer.from(files['data/train-00000-of-00002.parquet'].bytes),
    );
    test.hub.contents.length = 0;
    await resolveDataset('hf://datasets/owner/name', options);
    expect(test.hub.contents).toEqual([]);
  });

  it.each([
    ['/data/train-*.parquet', ['train-00000-of-00002.parquet', 'train-00001-of-00002.parquet']],
    ['/data/test-00000-of-00001.parquet', ['test-00000-of-00001.parquet']],
    [
      '@main/data',
      ['test-00000-of-00001.parquet', 'train-00000-of-00002.parquet', 'train-00001-of-00002.parquet'],
    ],
  ])('arrives in part: %s', async (rest, names) => {
    serve();
    const path = rest.replace(/^@main/, '').slice(1);
    expect(await resolveDataset(`hf://datasets/owner/name${rest}`, options)).toBe(join(folder(), path));
    expect((await readdir(join(folder(), 'data'))).sort()).toEqual(names);
  });

  it('has configurations and splits as Parquet at a revision of its own', async () => {
    serve();
    const path = await resolveDataset('hf://datasets/owner/name@refs/convert/parquet/default/train', options);
    expect(path).toBe(join(folder(OTHER), 'default/train'));
    expect(await readdir(path ?? '')).toEqual(['0000.parquet']);
  });

  it('goes on where a connection was cut, and is refused where its bytes are others', async () => {
    serve();
    const name = 'data/train-00000-of-00002.parquet';
    test.hub.faults[name] = ['cut'];
    await resolveDataset(`hf://datasets/owner/name/${name}`, options);
    expect(test.hub.contents.filter((each) => each.startsWith(name))).toEqual([
      name,
      expect.stringMatching(/ bytes=\d+-$/),
    ]);
    await rm(join(test.hub.root, 'cache'), { recursive: true });
    test.hub.faults[name] = ['change'];
    await expect(resolveDataset(`hf://datasets/owner/name/${name}`, options)).rejects.toMatchObject({
      code: 'read-failed',
      message: expect.stringContaining('has another hash than the hub lists'),
    });
  });

  it('is used as it was where the hub cannot be reached, if all of the same path is here', async () => {
    serve();
    await resolveDataset('hf://datasets/owner/name/data', options);
    await test.hub.stop();
    expect(await resolveDataset('hf://datasets/owner/name/data', options)).toBe(join(folder(), 'data'));
    await expect(resolveDataset('hf://datasets/owner/name', options)).rejects.toMatchObject({
      code: 'read-failed',
      message: expect.stringContaining('is not complete in the cache'),
    });
  });

  it('is refused by name where it has no such file, or does not exist', async () => {
    serve();
    await expect(resolveDataset('hf://datasets/owner/name/none', options)).rejects.toMatchObject({
      code: 'file-missing',
      message: 'the data set owner/name has no file of records at none at revision main',
    });
    await expect(resolveDataset('hf://datasets/owner/other', options)).rejects.toMatchObject({
      code: 'file-missing',
      message: 'no data set of the hub is called owner/other',
    });
  });

  it('cannot name files outside of its folder', async () => {
    const names = [
      '../x.jsonl',
      '/etc/x.jsonl',
      'a/../../x.jsonl',
      'a\\b.jsonl',
      '.hidden.jsonl',
      'x\u0000.jsonl',
    ];
    serve({ ...files, ...Object.fromEntries(names.map((name) => [name, text('{}')])) });
    await resolveDataset('hf://datasets/owner/name', options);
    const found = (await readdir(folder(), { recursive: true })).filter(isReadable).sort();
    expect(found).toEqual(Object.keys(files).filter(isReadable).sort());
  });
});

describe('a file on the web', () => {
  let server: Server;
  let answer: (request: IncomingMessage, response: ServerResponse) => void;
  let requests: IncomingMessage['headers'][];
  const content = Buffer.from('{"a":1}\n'.repeat(50_000));
  const whole = (response: ServerResponse, headers = {}) =>
    response.writeHead(200, { 'Content-Length': content.length, ETag: '"one"', ...headers }).end(content);
  const address = (path = '/files/pairs.jsonl?x=1') =>
    `http://127.0.0.1:${(server.address() as AddressInfo).port}${path}`;

  beforeEach(async () => {
    vi.stubEnv('GRAM_CACHE', join(test.hub.root, 'own'));
    await mkdir(join(test.hub.root, 'own'));
    requests = [];
    server = createServer((request, response) => {
      requests.push(request.headers);
      answer(request, response);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  });
  afterEach(async () => {
    server.closeAllConnections();
    if (server.listening) await new Promise((resolve) => server.close(resolve));
  });

  it('is fetched, and used again while the server says that it has not changed', async () => {
    answer = (request, response) => {
      if (request.headers['if-none-match'] === '"one"') response.writeHead(304).end();
      else whole(response);
    };
    const progress: number[] = [];
    const path = await fetchUrl(address(), { isReadable, onProgress: (done) => progress.push(done) });
    expect(await readFile(path ?? '')).toEqual(content);
    expect(progress.at(-1)).toBe(content.length);
    expect(await fetchUrl(address(), { isReadable })).toBe(path);
    expect(requests).toHaveLength(2);
    expect(requests.every(({ authorization }) => authorization === undefined)).toBe(true);
  });

  it('is used as it was where the server cannot be reached, and says so', async () => {
    answer = (_, response) => whole(response);
    const url = address();
    const path = await fetchUrl(url, { isReadable });
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    const notes: string[] = [];
    expect(await fetchUrl(url, { isReadable, onNote: (note) => notes.push(note) })).toBe(path);
    expect(notes).toEqual([expect.stringContaining('cannot be reached')]);
    await expect(fetchUrl(`${url}1`, { isReadable })).rejects.toMatchObject({ code: 'read-failed' });
  });

  it('goes on where the connection was cut, if it is the same file', async () => {
    const half = content.length / 2;
    let etag = '"one"';
    answer = (request, response) => {
      const start = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? -1);
      if (requests.length === 1) {
        response.writeHead(200, { 'Content-Length': content.length, ETag: etag });
        response.write(content.subarray(0, half), () => setTimeout(() => request.socket.destroy(), 50));
      } else if (start >= 0 && request.headers['if-range'] === etag) {
        response.writeHead(206, {
          'Content-Range': `bytes ${start}-${content.length - 1}/${content.length}`,
          'Content-Length': content.length - start,
        });
        response.end(content.subarray(start));
      } else whole(response, { ETag: etag });
    };
    await expect(fetchUrl(address(), { isReadable })).rejects.toMatchObject({
      code: 'read-failed',
      hint: expect.stringContaining('goes on where it was cut off'),
    });
    expect(await readFile((await fetchUrl(address(), { isReadable })) ?? '')).toEqual(content);
    expect(requests.at(-1)?.range).toMatch(/^bytes=[1-9]\d*-$/);
    etag = '"two"';
    expect(await readFile((await fetchUrl(address(), { isReadable })) ?? '')).toEqual(content);
    expect(requests.at(-1)?.range).toBeUndefined();
  });

  it.each([
    ['http://example.com/x.jsonl', 'bad-request', /is not encrypted/],
    ['https://', 'bad-request', /is no address/],
    ['https://example.com/x.html', 'bad-request', /cannot tell the form/],
  ])('is refused: %s', async (url, code, message) => {
    await expect(fetchUrl(url, { isReadable })).rejects.toMatchObject({
      code,
      message: expect.stringMatching(message),
    });
  });

  it('that is not there is named', async () => {
    answer = (_, response) => response.writeHead(404).end();
    await expect(fetchUrl(address(), { isReadable })).rejects.toMatchObject({
      code: 'file-missing',
      message: expect.stringMatching(/answered 404 Not Found for "\/files\/pairs\.jsonl"$/),
    });
  });
});
