import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { sampleReport } from '../__fixtures__/sample-report.js';
import { page } from './page.js';
import { writePage } from './write-page.js';

describe('page', () => {
  const html = page(sampleReport);

  it('loads and runs nothing', () => {
    expect(html).not.toMatch(/<script|<link|<img|<iframe|@import|url\(/);
    expect(html).toContain('default-src &#39;none&#39;');
  });

  it('escapes every text', () => {
    const hostile = `"><img src=x onerror='x'>&`;
    const escaped = '&quot;&gt;&lt;img src=x onerror=&#39;x&#39;&gt;&amp;';
    const result = page({
      title: hostile,
      subtitle: hostile,
      sections: [
        {
          heading: hostile,
          paragraphs: [hostile],
          figures: [{ svg: '<svg ></svg>', caption: hostile }],
          tables: [{ caption: hostile, columns: [{ name: hostile }], rows: [[hostile]] }],
          cards: [
            { title: hostile, prompt: hostile, responses: [{ text: hostile, score: 1, remark: hostile }] },
          ],
        },
      ],
    });
    expect(result).not.toContain('<img');
    expect(result.split(escaped)).toHaveLength(14);
  });

  it('has the structure that a screen reader needs', () => {
    expect(html.match(/<main>/g)).toHaveLength(1);
    expect(html.match(/<h1>/g)).toHaveLength(1);
    expect(html).toContain('<section id="section-2" aria-labelledby="section-2-heading">');
    expect(html).toContain('<a href="#section-2">Adaptation</a>');
    expect(html).toContain('<caption>Cost of each stage</caption>');
    expect(html).toContain('<th scope="col" class="right">Steps</th>');
    expect(html).toContain('<th scope="row">Adaptation</th><td class="right">60</td>');
    expect(html.match(/<figure><svg [^>]*role="img"/g)).toHaveLength(7);
    expect(html).toContain('</svg><figcaption>Bold lines');
  });

  it('names the elements of each chart by themselves', () => {
    const ids = [...html.matchAll(/ id="([^"]*)"/g)].map((match) => match[1]);
    expect(new Set(ids).size).toBe(ids.length);
  });

  it('refuses a figure that is no chart', () => {
    const broken = () => page({ title: 't', sections: [{ heading: 'h', figures: [{ svg: '<p>' }] }] });
    expect(broken).toThrow(expect.objectContaining({ code: 'bad-chart' }));
  });
});

describe('writePage', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'gram-report-'));
  });
  afterEach(() => rm(folder, { recursive: true }));

  it('replaces the file and leaves nothing beside it', async () => {
    const path = join(folder, 'new', 'report.html');
    await writePage(path, 'first');
    await writePage(path, 'second ✓');
    expect(await readFile(path, 'utf8')).toBe('second ✓');
    expect(await readdir(join(folder, 'new'))).toEqual(['report.html']);
  });

  it('says why it failed and leaves nothing behind', async () => {
    await writeFile(join(folder, 'file'), 'x');
    await expect(writePage(join(folder, 'file', 'report.html'), 'x')).rejects.toMatchObject({
      code: 'write-failed',
      message: expect.stringContaining('report.html could not be written'),
    });
    expect(await readdir(folder)).toEqual(['file']);
  });

  it('does not replace a folder', async () => {
    await writePage(join(folder, 'taken', 'inside.html'), 'x');
    await expect(writePage(join(folder, 'taken'), 'x')).rejects.toMatchObject({ code: 'write-failed' });
    expect(await readdir(folder)).toEqual(['taken']);
  });
});
