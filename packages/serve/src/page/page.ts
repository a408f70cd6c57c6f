import { escapeText, pagePolicy } from '@gram/report';
import type { Settings } from '../options.js';
import { rankingScript } from './script.js';
import { rankingStyle } from './style.js';

/** Content-Security-Policy of the page. */
export const rankingPolicy = pagePolicy({ scripts: [rankingScript], styles: [rankingStyle] });

const keyField = `<div class="field">
<label for="key">API key</label>
<input id="key" type="password" required autocomplete="off" spellcheck="false">
</div>
`;

const results = `<div id="result" hidden>
<section aria-labelledby="ranking">
<h2 id="ranking">Ranking</h2>
<p class="note">The score of a response is the mean probability that it is preferred to another one. Equal scores share a rank.</p>
<ol class="ranked" id="order"></ol>
</section>
<section aria-labelledby="comparisons">
<h2 id="comparisons">Pairs</h2>
<p id="summary"></p>
<div class="table" role="region" aria-labelledby="comparisons" tabindex="0"><table>
<thead><tr><th scope="col">Pair</th><th scope="col">shown first</th><th scope="col">shown second</th><th scope="col">mean</th><th scope="col">orders</th></tr></thead>
<tbody id="pairs"></tbody>
</table></div>
<p class="note">The probability that the first response of a pair is preferred: when it is shown first, when it is shown second, and the mean of both.</p>
</section>
</div>
`;

/** Most responses that the page ranks: more would be hard to read, and need more than 66 comparisons. */
const MOST_RESPONSES = 12;

/** Writes characters that cannot be seen, or that turn the direction of a text around, as numbers; as the script does. */
const shown = (text: string) =>
  text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, (character) => {
    const code = character.codePointAt(0) ?? 0;
    return `\u2039U+${code.toString(16).toUpperCase().padStart(4, '0')}\u203a`;
  });

/** Renders the page on which responses are ranked by hand. It is the same for everybody. */
export function rankingPage({
  name,
  apiKey,
  deadlineMs,
  limits: { comparisons, textLength },
}: Pick<Settings, 'name' | 'apiKey' | 'deadlineMs' | 'limits'>): string {
  let most = MOST_RESPONSES;
  while (most > 2 && (most * (most - 1)) / 2 > comparisons) most--;
  const characters = textLength.toLocaleString('en-US');
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Rank responses</title>
<link rel="icon" href="data:,">
<style>${rankingStyle}</style>
</head>
<body>
<div class="page">
<header>
<h1>Rank responses</h1>
<p class="lead">Model <strong id="model" dir="auto">${escapeText(shown(name))}</strong> reads the prompt and two responses at a time, by default in both orders, and says which response is better.</p>
<noscript><p>This page needs JavaScript.</p></noscript>
</header>
<main>
<form id="form" data-most="${most}">
${apiKey === undefined ? '' : keyField}<div class="field">
<label for="prompt">Prompt</label>
<textarea id="prompt" rows="3" required dir="auto" maxlength="${textLength}"></textarea>
</div>
<div id="responses"></div>
<div class="bar">
<button type="submit" class="main" id="rank" aria-keyshortcuts="Control+Enter">Rank</button>
<button type="button" id="add">Add a response</button>
<button type="button" id="example">Fill in an example</button>
<span class="note">Ctrl+Enter ranks</span>
</div>
<p class="note">2 to ${most} responses; up to ${characters} characters in each text; up to ${deadlineMs / 1000} s for a ranking.</p>
<p class="state" id="state" role="status"></p>
</form>
${results}</main>
</div>
<script>${rankingScript}</script>
</body>
</html>
`;
}
