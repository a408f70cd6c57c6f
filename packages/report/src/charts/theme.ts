/** Number of series that have a color of their own; the next ones start again. */
export const COLORS = 6;

/**
 * Opacity of the area of a band: enough to be seen on the background, little enough that
 * lines stand out from it where bands overlap (checked in theme.test.ts).
 */
export const BAND_OPACITY = 0.16;

/**
 * Colors of the two themes. Each of the series has a contrast of at least 3:1 to the background, and every two
 * neighbors stay apart under the three kinds of color blindness (checked in theme.test.ts).
 */
export const themes = {
  light: {
    background: '#ffffff',
    ink: '#1b2530',
    soft: '#5a6672',
    grid: '#e4e8ec',
    axis: '#9aa5b1',
    series: ['#0a5c99', '#d55e00', '#1b9e77', '#3d4650', '#c2569f', '#7a5a00'],
  },
  dark: {
    background: '#12161b',
    ink: '#e6eaee',
    soft: '#9aa6b2',
    grid: '#262d35',
    axis: '#596572',
    series: ['#56aef0', '#e56a1f', '#2bc199', '#e6eaee', '#b583e8', '#dcb13c'],
  },
};

/** Renders a theme as CSS custom properties. */
export function themeVariables(theme: (typeof themes)['light']): string {
  const series = theme.series.map((color, index) => `--gram-series-${index}:${color}`);
  return [
    `--gram-background:${theme.background}`,
    `--gram-ink:${theme.ink}`,
    `--gram-soft:${theme.soft}`,
    `--gram-grid:${theme.grid}`,
    `--gram-axis:${theme.axis}`,
    ...series,
  ].join(';');
}

const seriesRules = Array.from(
  { length: COLORS },
  (_, index) => `.gram-chart .gram-s${index}{--gram-color:var(--gram-series-${index})}`,
);

/** Style that each chart carries; class names are prefixed because a page shares them. */
export const chartStyle = [
  `.gram-chart{${themeVariables(themes.light)};color:var(--gram-ink)}`,
  `@media screen and (prefers-color-scheme:dark){.gram-chart{${themeVariables(themes.dark)}}}`,
  '.gram-chart{font:13px system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif;font-variant-numeric:tabular-nums}',
  '.gram-chart text{fill:currentColor}',
  '.gram-chart .gram-title{font-size:15px;font-weight:600}',
  '.gram-chart .gram-soft{fill:var(--gram-soft)}',
  '.gram-chart .gram-grid{stroke:var(--gram-grid);stroke-width:1}',
  '.gram-chart .gram-axis{stroke:var(--gram-axis);stroke-width:1}',
  '.gram-chart .gram-line{fill:none;stroke:var(--gram-color);stroke-width:2.2;stroke-linejoin:round;stroke-linecap:round}',
  '.gram-chart .gram-raw{stroke-width:1;opacity:.3}',
  `.gram-chart .gram-band{fill:var(--gram-color);fill-opacity:${BAND_OPACITY};stroke:var(--gram-color);stroke-opacity:.35;stroke-width:1;stroke-linejoin:round}`,
  '.gram-chart .gram-fill{fill:var(--gram-color)}',
  '.gram-chart .gram-whisker{stroke:var(--gram-ink);stroke-width:1.4;fill:none}',
  '.gram-chart .gram-reference{stroke:var(--gram-ink);stroke-width:1.3;stroke-dasharray:5 4}',
  '.gram-chart .gram-value{font-size:12px;stroke:var(--gram-background);stroke-width:3px;stroke-linejoin:round;paint-order:stroke}',
  ...seriesRules,
].join('');
