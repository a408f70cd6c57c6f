const SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];
const SIZES = [1, 2, 4, 8, 16, 32, 64, 128, 256];

/** Counters of the server. */
export interface Metrics {
  /** Counts a request that was answered, or left unanswered with status 499. */
  request(route: string, status: number, seconds: number): void;
  /** Counts a call of the model that compared so many items. */
  batch(comparisons: number): void;
  /** Returns all counters in the text format of Prometheus, version 0.0.4. */
  text(): string;
}

interface Histogram {
  readonly buckets: { readonly bound: number; count: number }[];
  sum: number;
  total: number;
}

/** Numbers that are counted elsewhere, as functions that return the present number. */
export interface Gauges {
  /** Comparisons that wait. */
  readonly waiting: () => number;
  /** Open connections. */
  readonly connections: () => number;
}

/** Creates the counters. */
export function createMetrics({ waiting, connections }: Gauges): Metrics {
  const requests = new Map<string, number>();
  const latency = new Map<string, Histogram>();
  const sizes = histogram(SIZES);
  let comparisons = 0;

  return {
    request(route, status, seconds) {
      // Routes are names of ours, never text of a request: the number of series stays small.
      const labels = `route="${route}",status="${status}"`;
      requests.set(labels, (requests.get(labels) ?? 0) + 1);
      const times = latency.get(route) ?? histogram(SECONDS);
      latency.set(route, times);
      observe(times, seconds);
    },
    batch(count) {
      comparisons += count;
      observe(sizes, count);
    },
    text() {
      return [
        ...head('gram_requests_total', 'counter', 'Requests by route and status.'),
        ...[...requests].map(([labels, count]) => `gram_requests_total{${labels}} ${count}`),
        ...head('gram_request_seconds', 'histogram', 'Time from the headers of a request to its answer.'),
        ...[...latency].flatMap(([route, each]) => lines('gram_request_seconds', each, `route="${route}"`)),
        ...head('gram_queue_comparisons', 'gauge', 'Comparisons that wait.'),
        `gram_queue_comparisons ${waiting()}`,
        ...head('gram_connections', 'gauge', 'Open connections.'),
        `gram_connections ${connections()}`,
        ...head('gram_batch_comparisons', 'histogram', 'Comparisons of one call of the model.'),
        ...lines('gram_batch_comparisons', sizes),
        ...head('gram_comparisons_total', 'counter', 'Comparisons made.'),
        `gram_comparisons_total ${comparisons}`,
        '',
      ].join('\n');
    },
  };
}

function histogram(bounds: readonly number[]): Histogram {
  return { buckets: bounds.map((bound) => ({ bound, count: 0 })), sum: 0, total: 0 };
}

function observe(histogram: Histogram, value: number): void {
  const bucket = histogram.buckets.find(({ bound }) => value <= bound);
  if (bucket !== undefined) bucket.count += 1;
  histogram.sum += value;
  histogram.total += 1;
}

function head(name: string, type: string, help: string): string[] {
  return [`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`];
}

/** Buckets are cumulative in this format. */
function lines(name: string, { buckets, sum, total }: Histogram, labels = ''): string[] {
  let below = 0;
  const all = labels === '' ? '' : `{${labels}}`;
  const prefix = labels === '' ? '' : `${labels},`;
  return [
    ...buckets.map(({ bound, count }) => {
      below += count;
      return `${name}_bucket{${prefix}le="${bound}"} ${below}`;
    }),
    `${name}_bucket{${prefix}le="+Inf"} ${total}`,
    `${name}_sum${all} ${sum}`,
    `${name}_count${all} ${total}`,
  ];
}
