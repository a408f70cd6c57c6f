import type { BrowserPage } from './chromium.js';

/** Markup and characters that would run, load, hide or turn around something if they were more than text. */
export const payloads = [
  '<script>window.broken=1</script>',
  '</script><script>window.broken=1</script>',
  '<img src=x onerror="window.broken=1">',
  '<svg onload="window.broken=1">',
  '<svg><script>window.broken=1</script></svg>',
  '<iframe srcdoc="<script>parent.broken=1</script>"></iframe>',
  '<object data="data:text/html,x"></object>',
  '<a href="javascript:window.broken=1">x</a>',
  '<style>*{display:none}</style>',
  '</p></li></ol><h1 style="position:fixed;inset:0">x',
  '<base href="https://example.org/">',
  '<meta http-equiv="refresh" content="0;url=https://example.org/">',
  '<form action="https://example.org/"><button autofocus onfocus="window.broken=1">',
  '<!--',
  '"><b id=order>',
  "' onmouseover='window.broken=1",
  '$' + '{window.broken=1} {{constructor.constructor("window.broken=1")()}}',
  '&lt;b&gt; &#x3c;b&#x3e; %3Cb%3E \\u003cb\\u003e',
  'abc\u202e\u2066dcba\u200b\u001b[31mred',
  `${'w'.repeat(3000)} ${'\u0300'.repeat(20)}`,
] as const;

/** What a page became of a text that was injected into it. */
export interface Harm {
  /** Whether a script of the text ran. */
  readonly ran: boolean;
  /** Elements that the text made. */
  readonly elements: readonly string[];
  /** Whether the page is wider than its window, so that a part of it is out of sight. */
  readonly isWide: boolean;
  /** All text that can be seen. */
  readonly text: string;
}

const MADE =
  'img, iframe, object, base, form, b, style:not(head style):not(svg style), [onload], [onmouseover], [style*=fixed], [http-equiv=refresh], a[href^="javascript"]';

/** Looks at an open page, in a window of the given width in CSS pixels. */
export async function harmOf(tab: BrowserPage, width: number): Promise<Harm> {
  await tab.look('light', width);
  return tab.evaluate<Harm>(`({
    ran: window.broken !== undefined,
    elements: [...document.querySelectorAll(${JSON.stringify(MADE)})].map((each) => each.outerHTML.slice(0, 200)),
    isWide: document.documentElement.scrollWidth > innerWidth,
    text: document.body.innerText,
  })`);
}

/** How often a text holds another one. */
export function occurrences(text: string, part: string): number {
  return text.split(part).length - 1;
}
