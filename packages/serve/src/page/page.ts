import { createHash } from 'node:crypto';
import { rankingScript } from './script.js';
import { rankingStyle } from './style.js';

const allowed = (text: string) => `'sha256-${createHash('sha256').update(text).digest('base64')}'`;

/** Nothing runs, styles or is reached but what is named here, whatever ends up on the page. */
export const pagePolicy = [
  "default-src 'none'",
  `script-src ${allowed(rankingScript)}`,
  `style-src ${allowed(rankingStyle)}`,
  "connect-src 'self'",
  // The empty icon of the page, without which a browser asks for /favicon.ico.
  'img-src data:',
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

const keyField = `<div class="field">
<label for="key">API key</label>
<input id="key" type="password" required autocomplete="off" spellcheck="false">
</div>
`;

/**
 * The page on which responses are ranked by hand. It is the same for everybody.
 *
 * @param needsKey whether it asks for an API key
 */
export function rankingPage(needsKey: boolean): string {
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
<p class="lead">The model reads the prompt and two responses at a time, by default in both orders, and says which response is better.</p>
<noscript><p>This page needs JavaScript.</p></noscript>
</header>
<main>
<form id="form">
${needsKey ? keyField : ''}<div class="field">
<label for="prompt">Prompt</label>
<textarea id="prompt" rows="3" required dir="auto"></textarea>
</div>
<div id="responses"></div>
<div class="bar">
<button type="submit" class="main" id="rank" aria-keyshortcuts="Control+Enter">Rank</button>
<button type="button" id="add">Add a response</button>
<span class="note">Ctrl+Enter ranks</span>
</div>
<p class="state" id="state" role="status"></p>
</form>
<div id="result" hidden>
<section aria-labelledby="ranking">
<h2 id="ranking">Ranking</h2>
<p class="note">The score is the mean probability that a response is preferred to another one.</p>
<ol class="ranked" id="order"></ol>
</section>
<section aria-labelledby="comparisons">
<h2 id="comparisons">Pairs</h2>
<p id="summary"></p>
<div class="table" role="region" aria-labelledby="comparisons" tabindex="0"><table>
<thead><tr><th scope="col">Pair</th><th scope="col">shown first</th><th scope="col">shown second</th><th scope="col">mean</th><th scope="col">orders</th></tr></thead>
<tbody id="pairs"></tbody>
</table></div>
<p class="note">How likely the first response of a pair is preferred where it is shown first, and where it is shown second.</p>
</section>
</div>
</main>
</div>
<script>${rankingScript}</script>
</body>
</html>
`;
}
