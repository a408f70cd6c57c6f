import { execFile } from 'node:child_process';
import { copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findChromium } from '../__fixtures__/find-chromium.js';
import { sampleReport } from '../__fixtures__/sample-report.js';
import { page } from './page.js';

const run = promisify(execFile);
const browser = findChromium();

/** What `__fixtures__/probe.html` measures in its frames. */
interface Findings {
  texts: number;
  outside: string[];
  requests: string[];
  tooWide: { width: number; scrollWidth: number }[];
}

describe.skipIf(browser === undefined)('the sample report in a browser', () => {
  let folder: string;
  let launches = 0;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'gram-report-'));
    await writeFile(join(folder, 'report.html'), page(sampleReport));
    await copyFile(new URL('../__fixtures__/probe.html', import.meta.url), join(folder, 'probe.html'));
  });
  afterAll(() => rm(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 }));

  const open = (file: string, ...flags: string[]) =>
    run(
      browser!,
      [
        ...'--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-sync'.split(' '),
        ...'--disable-background-networking --disable-component-update --enable-logging=stderr'.split(' '),
        `--user-data-dir=${join(folder, `profile-${launches++}`)}`,
        ...flags,
        pathToFileURL(join(folder, file)).href,
      ],
      { timeout: 50_000, maxBuffer: 1 << 26 },
    );

  it('is drawn without a message on the console', async () => {
    const image = join(folder, 'report.png');
    const { stderr } = await open('report.html', `--screenshot=${image}`, '--window-size=1100,1600');
    expect(stderr).not.toMatch(/CONSOLE/);
    expect((await readFile(image)).length).toBeGreaterThan(50_000);
  });

  it('keeps chart texts inside their charts, fits a phone and requests nothing', async () => {
    // Files may only look into frames of other files where the browser is told so.
    const { stdout } = await open('probe.html', '--dump-dom', '--allow-file-access-from-files');
    const findings = JSON.parse(/<pre id="findings">(.*)<\/pre>/s.exec(stdout)![1]!) as Findings;
    expect(findings.texts).toBeGreaterThan(200);
    expect(findings).toMatchObject({ outside: [], requests: [], tooWide: [] });
  });
});
