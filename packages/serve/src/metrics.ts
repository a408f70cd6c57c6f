const SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];
const SIZES = [1, 2, 4, 8, 16, 32, 64, 128, 256];

/** What the server counts. */
export interface Metrics {
  /** A request was answered, or left unanswered with status 499. */
  request(route: string, status: number, seconds: number): void;
  /** The model compared so many items in one call. */
  batch(comparisons: number): void;
  /** All of it in the text format of Prometheus, version 0.0.4. */
  text(): string;
}

interface Histogram {
  readonly counts: number[];
  sum: number;
  total: number;
}

/** @param waiting comparisons that wait now */
export function createMetrics(waiting: () => number): Metrics {
  const requests = new Map<string, number>();
  const latency = new Map<string, Histogram>();
  const sizes = histogram(SIZES);
  let comparisons = 0;

  return {
    request(route, status, seconds) {
      // Routes are names of ours, never text of a request: the number of series stays small.
      const labels = `route="${route}",status="${status}"`;
      requests.set(labels, (requests.get(labels) ?? 0) + 1);
      if (!latency.has(route)) latency.set(route, histogram(SECONDS));
      observe(latency.get(route)!, SECONDS, seconds);
    },
    batch(count) {
      comparisons += count;
      observe(sizes, SIZES, count);
    },
    text() {
      return [
        ...head('gram_requests_total', 'counter', 'Requests by route and status.'),
        ...[...requests].map(([labels, count]) => `gram_requests_total{${labels}} ${count}`),
        ...head('gram_request_seconds', 'histogram', 'Time from the headers of a request to its answer.'),
        ...[...latency].flatMap(([route, each]) =>
          lines('gram_request_seconds', SECONDS, each, `route="${route}"`),
        ),
        ...head('gram_queue_comparisons', 'gauge', 'Comparisons that wait.'),
        `gram_queue_comparisons ${waiting()}`,
        ...head('gram_batch_comparisons', 'histogram', 'Comparisons of one call of the model.'),
        ...lines('gram_batch_comparisons', SIZES, sizes),
        ...head('gram_comparisons_total', 'counter', 'Comparisons made.'),
        `gram_comparisons_total ${comparisons}`,
        '',
      ].join('\n');
    },
  };
}

function histogram(bounds: readonly number[]): Histogram {
  return { counts: bounds.map(() => 0), sum: 0, total: 0 };
}

function observe(histogram: Histogram, bounds: readonly number[], value: number): void {
  const at = bounds.findIndex((bound) => value <= bound);
  if (at >= 0) histogram.counts[at]! += 1;
  histogram.sum += value;
  histogram.total += 1;
}

function head(name: string, type: string, help: string): string[] {
  return [`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`];
}

/** Buckets are cumulative in this format. */
function lines(
  name: string,
  bounds: readonly number[],
  { counts, sum, total }: Histogram,
  labels = '',
): string[] {
  let below = 0;
  const all = labels === '' ? '' : `{${labels}}`;
  const prefix = labels === '' ? '' : `${labels},`;
  return [
    ...bounds.map((bound, at) => {
      below += counts[at]!;
      return `${name}_bucket{${prefix}le="${bound}"} ${below}`;
    }),
    `${name}_bucket{${prefix}le="+Inf"} ${total}`,
    `${name}_sum${all} ${sum}`,
    `${name}_count${all} ${total}`,
  ];
}
