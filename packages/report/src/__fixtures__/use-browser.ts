import { mkdirSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, expect } from 'vitest';
import { type BrowserPage, launchChromium } from './chromium.js';
import { findChromium } from './find-chromium.js';
import { harmOf, occurrences } from './payloads.js';

const browser = findChromium();
/** A folder for pictures to look at. Without the variable none are kept. */
const pictures = process.env.GRAM_PICTURES;
/** Widths of a desk and of a phone, in CSS pixels. */
const WIDTHS = [1100, 360];

/** Whether this machine has no browser, so that tests of pages are skipped. */
export const noBrowser = browser === undefined;

/** A browser for the tests of one `describe`, started before the first of them and closed after the last. */
export function useBrowser() {
  let launched: BrowserPage | undefined;
  let folder: string;
  let files = 0;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'gram-pages-'));
    // Tests are skipped where there is none.
    launched = await launchChromium(browser!);
  });
  afterAll(async () => {
    await launched?.close();
    await rm(folder, { recursive: true, force: true });
  });
  const tab = new Proxy({} as BrowserPage, { get: (_, name) => Reflect.get(launched ?? {}, name) });

  /** Opens an address and waits until an expression is true there. Messages and requests are those from then on. */
  async function visit(url: string, ready = 'true'): Promise<void> {
    tab.messages.length = 0;
    tab.requests.length = 0;
    await tab.open(url);
    const { origin, protocol } = new URL(url);
    const isThere = protocol === 'file:' ? `location.href === "${url}"` : `location.origin === "${origin}"`;
    await tab.until(`${isThere} && document.readyState === "complete" && (${ready})`);
  }

  return {
    tab,
    visit,
    /** Writes a page into a file by a function and visits it. Returns its address. */
    async visitFile(write: (path: string) => Promise<unknown>, ready?: string): Promise<string> {
      const path = join(folder, `${files++}.html`);
      await write(path);
      const url = pathToFileURL(path).href;
      await visit(url, ready);
      return url;
    },
    /** Visits a page that is given as its text. */
    async visitHtml(html: string, ready?: string): Promise<string> {
      return this.visitFile((path) => writeFile(path, html), ready);
    },
    /** Keeps a picture of the page. */
    async picture(name: string): Promise<void> {
      if (pictures === undefined) return;
      mkdirSync(pictures, { recursive: true });
      await tab.screenshot(join(pictures, `${name}.png`));
    },
    /** Expects a text on the page that is open, so often at least, as text and nothing else, at every width. */
    async expectHarmless(seen: string, times: number, url: string): Promise<void> {
      for (const width of WIDTHS) {
        const { text, ...harm } = await harmOf(tab, width);
        expect(harm, seen).toEqual({ ran: false, elements: [], isWide: false });
        expect(occurrences(text, seen), seen).toBeGreaterThanOrEqual(times);
      }
      expect(tab.messages).toEqual([]);
      expect([...new Set(tab.requests)].filter((each) => !each.startsWith(url))).toEqual([]);
    },
  };
}
