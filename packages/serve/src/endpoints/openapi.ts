import { isLoopback, type Settings } from '../options.js';
import type { Route } from './routes.js';
import { errorSchema } from './schemas.js';

/** Header with which a client asks for an earlier deadline. */
export const DEADLINE_HEADER = 'Gram-Deadline-Ms';

/** Statuses of requests that are not answered with a result. */
const refusals: Readonly<Record<number, string>> = {
  400: 'The body is not JSON, or not UTF-8.',
  401: 'The API key is missing or wrong.',
  403: 'The server was asked by a name that is not its own.',
  408: 'The request arrived too slowly.',
  413: 'The body is too large.',
  415: 'The body is not declared as JSON, or compressed.',
  422: 'A field is missing, of another type or too long, or the request needs too many comparisons.',
  429: 'Too many comparisons wait; the header Retry-After says how many seconds to wait.',
  500: 'The server or the model failed.',
  503: 'The server is shutting down.',
  504: 'The deadline has passed.',
};

/** Renders the OpenAPI 3.1 document of a server. */
export function openapi(routes: readonly Route[], settings: Settings): object {
  const secured = settings.apiKey === undefined ? {} : { security: [{ key: [] }] };
  const errors = errorResponses(settings);
  const parameters = [deadlineParameter(settings)];
  const posts = routes.map(({ path, summary, shape, example }) => {
    const requestBody = { required: true, content: json(shape.request, example) };
    const responses = { 200: { description: 'Done.', content: json(shape.response) }, ...errors };
    return [path, { post: { summary, ...secured, parameters, requestBody, responses } }];
  });
  return {
    openapi: '3.1.0',
    info: { title: 'gram serve', version: '1', description: 'A server of a reward model.' },
    paths: {
      ...Object.fromEntries(posts),
      '/': plain('A page on which responses are ranked by hand.', 'text/html'),
      '/health': health,
      '/metrics': plain('Counters in the text format of Prometheus.', 'text/plain', secured),
      '/openapi.json': plain('This document.', 'application/json'),
    },
    components: {
      schemas: { Error: errorSchema },
      ...(settings.apiKey === undefined
        ? {}
        : { securitySchemes: { key: { type: 'http', scheme: 'bearer' } } }),
    },
  };
}

/** Statuses that the server answers with these settings. */
function errorResponses({ apiKey, host }: Settings): object {
  const possible = Object.entries(refusals).filter(([status]) => {
    if (status === '401') return apiKey !== undefined;
    return status !== '403' || (apiKey === undefined && isLoopback(host));
  });
  return Object.fromEntries(
    possible.map(([status, description]) => [
      status,
      { description, content: json({ $ref: '#/components/schemas/Error' }) },
    ]),
  );
}

function deadlineParameter({ deadlineMs }: Settings): object {
  return {
    name: DEADLINE_HEADER,
    in: 'header',
    required: false,
    description: `Milliseconds until the request is answered 504, at most ${deadlineMs}.`,
    schema: { type: 'integer', minimum: 1 },
  };
}

function plain(summary: string, type: string, rest: object = {}): object {
  const responses = { 200: { description: 'Done.', content: { [type]: { schema: {} } } } };
  return { get: { summary, ...rest, responses } };
}

const json = (schema: object, example?: object) => ({
  'application/json': example === undefined ? { schema } : { schema, example },
});

const state = (status: string) => ({
  type: 'object',
  properties: { status: { const: status }, model: { type: 'string' } },
  required: ['status', 'model'],
});

const health = {
  get: {
    summary: 'Whether the server takes work.',
    responses: {
      200: { description: 'It does.', content: json(state('ready')) },
      503: { description: 'It is shutting down.', content: json(state('draining')) },
    },
  },
};
