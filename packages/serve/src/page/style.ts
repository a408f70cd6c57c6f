import { pageStyle } from '@gram/report';

/** Style of the page beside that of a report. */
export const rankingStyle = `${pageStyle}
.lead{color:var(--gram-soft);margin:8px 0 28px}
label,legend{display:block;font-weight:600;margin-bottom:6px;padding:0}
fieldset{border:0;margin:0;padding:0;min-width:0}
textarea,input{font:inherit;display:block;width:100%;padding:10px 12px;border:1px solid var(--gram-axis);border-radius:8px;background:var(--gram-raised);color:inherit}
textarea{min-height:5.2em;resize:vertical;unicode-bidi:plaintext}
.field{margin-bottom:20px}
.bar+.note{margin-top:10px}
.named{display:flex;align-items:baseline;justify-content:space-between;gap:12px}
.bar{display:flex;flex-wrap:wrap;gap:12px;align-items:center;margin:4px 0 0}
button{font:inherit;padding:8px 18px;border:1px solid var(--gram-axis);border-radius:8px;background:var(--gram-raised);color:inherit;cursor:pointer}
button.main{background:var(--gram-series-0);border-color:var(--gram-series-0);color:var(--gram-background);font-weight:600}
button.small{padding:2px 10px;font-size:.85rem}
button:disabled{opacity:.55;cursor:default}
:focus-visible{outline:3px solid var(--gram-series-0);outline-offset:3px}
.state{min-height:1.6em;margin:16px 0 0;color:var(--gram-soft)}
.state.failed{color:inherit;font-weight:600}
.ranked{display:grid;gap:12px;margin:0 0 28px}
.ranked li{display:grid;grid-template-columns:2.2em minmax(0,1fr) auto;gap:6px 12px;background:var(--gram-raised);border:1px solid var(--gram-grid);border-radius:10px;padding:14px 16px}
.ranked li::before{content:attr(data-place);font-weight:700;color:var(--gram-soft)}
.ranked p{margin:0;white-space:pre-wrap;overflow-wrap:anywhere;unicode-bidi:plaintext;max-width:none}
.ranked .flag{grid-column:2/-1;font-size:.9rem;font-weight:600}
.ranked .value{font-weight:600;font-variant-numeric:tabular-nums;text-align:right}
.ranked .value small{display:block;font-weight:400;color:var(--gram-soft)}
.ranked meter{grid-column:2/-1;width:100%;height:8px;border:0;border-radius:4px;background:var(--gram-grid);appearance:none}
.ranked meter::-webkit-meter-bar{height:8px;border:0;border-radius:4px;background:var(--gram-grid)}
.ranked meter::-webkit-meter-optimum-value{border-radius:4px;background:var(--gram-series-0)}
.ranked meter::-moz-meter-bar{border-radius:4px;background:var(--gram-series-0)}
#pairs td,#pairs th{white-space:nowrap}
#model,#state,#summary{overflow-wrap:anywhere}
tr.apart td:last-child{font-weight:700}
tr.apart td:last-child::before{content:"\\26a0\\fe0e  "}
.note{color:var(--gram-soft);font-size:.9rem}
[hidden]{display:none}
@media (max-width:640px){.ranked li{padding:12px}table{font-size:.84rem}th,td{padding-right:10px}tr.apart td:last-child::before{content:none}}`;
