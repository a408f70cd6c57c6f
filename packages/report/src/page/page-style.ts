import { themes, themeVariables } from '../charts/theme.js';

/**
 * Shadows at the ends of what is wider than its box. The covers scroll along with the content and hide a shadow where the
 * content ends; the shadows stay with the box.
 */
const scrollShadows = [
  'linear-gradient(to right,var(--gram-background) 40%,transparent) 0 0/36px 100% no-repeat local',
  'linear-gradient(to left,var(--gram-background) 40%,transparent) 100% 0/36px 100% no-repeat local',
  'linear-gradient(to right,var(--gram-shade),transparent) 0 0/16px 100% no-repeat scroll',
  'linear-gradient(to left,var(--gram-shade),transparent) 100% 0/16px 100% no-repeat scroll',
].join(',');

/** The style of a page: light or dark as the reader's system is, one column on a phone, plain on paper. */
export const pageStyle = `
:root{color-scheme:light;${themeVariables(themes.light)};--gram-raised:#f6f8fa;--gram-shade:#1b253047}
@media screen and (prefers-color-scheme:dark){:root{color-scheme:dark;${themeVariables(themes.dark)};--gram-raised:#1a2027;--gram-shade:#9aa6b266}}
*{box-sizing:border-box}
body{margin:0;background:var(--gram-background);color:var(--gram-ink);font:16px/1.6 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif;overflow-wrap:break-word}
.page{max-width:1040px;margin:0 auto;padding:48px 24px 72px}
h1{font-size:2rem;line-height:1.2;letter-spacing:-.015em;text-wrap:balance;margin:0}
.subtitle{color:var(--gram-soft);font-size:1.1rem;margin:8px 0 0;max-width:72ch}
nav ul{display:flex;flex-wrap:wrap;gap:4px 20px;list-style:none;margin:24px 0 0;padding:0}
nav a{display:inline-block;padding:4px 0}
a{color:var(--gram-series-0);text-underline-offset:3px}
section{margin-top:40px;padding-top:32px;border-top:1px solid var(--gram-grid)}
h2{font-size:1.35rem;line-height:1.3;letter-spacing:-.01em;margin:0 0 12px}
p{margin:0 0 12px;max-width:72ch}
.figures{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,440px),1fr));gap:24px 32px;margin:20px 0}
figure{margin:0;max-width:620px;min-width:0}
figure svg{display:block;width:100%;height:auto}
figcaption{color:var(--gram-soft);font-size:.9rem;line-height:1.5;margin-top:8px;max-width:72ch}
.table{overflow-x:auto;margin:20px 0;background:${scrollShadows}}
table{border-collapse:collapse;font-size:.94rem;font-variant-numeric:tabular-nums}
caption{caption-side:top;text-align:left;color:var(--gram-soft);font-size:.9rem;padding-bottom:8px}
th,td{padding:7px 28px 7px 0;text-align:left;vertical-align:top;border-bottom:1px solid var(--gram-grid)}
th:last-child,td:last-child{padding-right:0}
thead th{color:var(--gram-soft);font-size:.85rem;font-weight:600;vertical-align:bottom;border-bottom-color:var(--gram-axis)}
tbody th{font-weight:500}
.right{text-align:right;white-space:nowrap}
.texts{margin-right:calc(50% - min(50vw - 32px,860px))}
.text{min-width:14em;max-width:36em;white-space:pre-wrap;overflow-wrap:anywhere;unicode-bidi:plaintext}
.cards{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,440px),1fr));gap:20px;margin:20px 0}
article{background:var(--gram-raised);border:1px solid var(--gram-grid);border-radius:10px;padding:20px;min-width:0}
h3{font-size:.85rem;font-weight:600;color:var(--gram-soft);margin:0 0 8px}
.prompt,.response p,.remark{unicode-bidi:plaintext}
.prompt{font-weight:600;white-space:pre-wrap;overflow-wrap:anywhere;margin-bottom:14px}
ol{list-style:none;margin:0;padding:0}
li.response{display:grid;grid-template-columns:1fr auto;gap:2px 16px;padding:10px 0;border-top:1px solid var(--gram-grid)}
.response p{margin:0;white-space:pre-wrap;overflow-wrap:anywhere;font-size:.95rem;line-height:1.5}
.score{font-weight:600;font-variant-numeric:tabular-nums}
.remark{grid-column:1/-1;color:var(--gram-soft);font-size:.85rem}
@media (max-width:640px){.page{padding:28px 16px 48px}h1{font-size:1.6rem}section{margin-top:28px;padding-top:24px}article{padding:16px}th,td{padding-right:14px}}
@media (max-width:640px){.texts{margin-right:0;background:none}.texts :is(table,caption,tbody,th,td){display:block}.texts thead{position:absolute;clip-path:inset(50%);height:1px;width:1px;overflow:hidden;white-space:nowrap}.texts tr{display:grid;grid-template-columns:repeat(auto-fill,minmax(5.5em,1fr));gap:10px 12px;padding:14px 0;border-bottom:1px solid var(--gram-grid)}.texts :is(th,td){padding:0;border:0;text-align:left;min-width:0;max-width:none}.texts tbody .text{grid-column:1/-1}.texts .text:empty{display:none}.texts [data-name]::before{content:attr(data-name);display:block;color:var(--gram-soft);font-size:.8rem;font-weight:600}}
@media print{.page{max-width:none;padding:0}nav{display:none}section{margin-top:20px;padding-top:16px}h2,caption{break-after:avoid}figure,article,tr{break-inside:avoid}.table{overflow:visible;background:none}.texts{margin-right:0}}
`.trim();
