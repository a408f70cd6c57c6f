export { type Bar, type BarChartOptions, type BarGroup, barChart, type Level } from './charts/bar-chart.js';
export { type LineChartOptions, lineChart, type Series } from './charts/line-chart.js';
export { chartStyle } from './charts/theme.js';
export { ReportError, type ReportErrorCode } from './error.js';
export { createEventWriter, type EventWriter } from './log/event-writer.js';
export { createMetricsLog, type MetricsLog, type StepMetrics } from './log/metrics-log.js';
export {
  type Card,
  type Figure,
  type PageOptions,
  page,
  type RankedResponse,
  type Section,
} from './page/page.js';
export { pagePolicy } from './page/page-policy.js';
export { pageStyle } from './page/page-style.js';
export { writePage } from './page/write-page.js';
export { createProgress, type Progress, type ProgressOptions } from './progress/progress.js';
export { createRate, type Rate } from './progress/rate.js';
export { type ShownStep, stepFields } from './progress/step-fields.js';
export { type Column, type Table, textTable } from './table.js';
export { escapeText } from './text/escape.js';
export { formatBytes, formatDuration, formatNumber } from './text/format.js';
export { oneLine } from './text/width.js';
