export { type Bar, type BarChartOptions, type BarGroup, barChart } from './charts/bar-chart.js';
export { type LineChartOptions, lineChart, type Series } from './charts/line-chart.js';
export { ReportError } from './error.js';
export { formatDuration } from './format.js';
export { type Card, type Figure, type PageOptions, page, type RankedResponse, type Section } from './page.js';
export { createProgress, type Progress, type ProgressOptions } from './progress.js';
export { type Column, type Table, textTable } from './table.js';
export { writePage } from './write-page.js';
