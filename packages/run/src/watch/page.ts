import { chartStyle, escapeText, pagePolicy, pageStyle } from '@gram/report';
import { clientScript } from './client-script.js';

/** Style of the page beside that of a report. */
const watchStyle = `${pageStyle}
header{margin-bottom:32px}
.state{font-size:1.05rem;margin:12px 0 0;font-weight:600}
.quiet{min-height:1.6em;color:var(--gram-soft);margin:0}
.bar{display:flex;flex-wrap:wrap;gap:12px 20px;align-items:center;margin:12px 0 24px}
progress{flex:1 1 240px;height:14px;accent-color:var(--gram-series-0)}
button{font:inherit;min-width:6.5em;padding:6px 18px;border:1px solid var(--gram-axis);border-radius:8px;background:var(--gram-raised);color:inherit;cursor:pointer}
button:disabled{color:var(--gram-soft);cursor:default}
:focus-visible{outline:3px solid var(--gram-series-0);outline-offset:3px}
.facts{display:grid;grid-template-columns:repeat(auto-fill,minmax(150px,1fr));gap:16px 24px;margin:0}
.facts dt{color:var(--gram-soft);font-size:.85rem}
.facts dd{margin:0;font-size:1.15rem;font-weight:600;font-variant-numeric:tabular-nums}
#charts:empty::before{content:"Curves appear after the first step.";color:var(--gram-soft)}
label{display:block;font-weight:600;margin-bottom:4px}
input[type=range]{width:100%;accent-color:var(--gram-series-0)}
output{display:block;min-height:3.2em;font-variant-numeric:tabular-nums}
[hidden]{display:none}`;

/** Content-Security-Policy of the page. */
export const watchPolicy = pagePolicy({ scripts: [clientScript], styles: [watchStyle, chartStyle] });

/** The page that shows a run while it works. The same for every state of the run, which comes as events. */
export function watchPage(title: string): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${escapeText(title)}</title>
<link rel="icon" href="data:,">
<style>${watchStyle}</style>
</head>
<body>
<div class="page">
<header>
<h1>${escapeText(title)}</h1>
<p class="state" id="state" role="status">Connecting</p>
<noscript><p>This page needs JavaScript to follow the run.</p></noscript>
</header>
<main>
<div class="bar">
<progress id="progress" aria-label="Steps done" max="1" value="0"></progress>
<span id="steps"></span>
<button type="button" id="pause">Pause</button>
</div>
<dl class="facts" id="facts"></dl>
<p class="quiet" id="quiet"></p>
<section aria-labelledby="curves">
<h2 id="curves">Curves</h2>
<div class="figures" id="charts"></div>
<div id="reading" hidden>
<label for="reader">Values of a step</label>
<input type="range" id="reader" min="0" max="0" value="0">
<output for="reader" id="values"></output>
</div>
</section>
<div id="sections"></div>
</main>
</div>
<script>${clientScript}</script>
</body>
</html>
`;
}
