import { isLoopback, type Settings } from './options.js';
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

/** The OpenAPI 3.1 document of a server. */
export function openapi(routes: readonly Route[], settings: Settings): object {
  const secured = settings.apiKey === undefined ? {} : { security: [{ key: [] }] };
  const errors = Object.fromEntries(
    Object.entries(refusals)
      .filter(([status]) => status !== '401' || settings.apiKey !== undefined)
      .filter(([status]) => status !== '403' || (settings.apiKey === undefined && isLoopback(settings.host)))
      .map(([status, description]) => [
        status,
        { description, content: json({ $ref: '#/components/schemas/Error' }) },
      ]),
  );
  const deadline = {
    name: DEADLINE_HEADER,
    in: 'header',
    required: false,
    description: `Milliseconds until the request is answered 504, at most ${settings.deadlineMs}.`,
    schema: { type: 'integer', minimum: 1 },
  };
  const posts = routes.map(({ path, summary, shape, example }) => [
    path,
    {
      post: {
        summary,
        ...secured,
        parameters: [deadline],
        requestBody: { required: true, content: json(shape.request, example) },
        responses: { 200: { description: 'Done.', content: json(shape.response) }, ...errors },
      },
    },
  ]);
  const plain = (summary: string, type: string, rest: object = {}) => ({
    get: {
      summary,
      ...rest,
      responses: { 200: { description: 'Done.', content: { [type]: { schema: {} } } } },
    },
  });
  const state = (status: string) => ({
    type: 'object',
    properties: { status: { const: status }, model: { type: 'string' } },
    required: ['status', 'model'],
  });
  return {
    openapi: '3.1.0',
    info: { title: 'gram serve', version: '1', description: 'A server of a reward model.' },
    paths: {
      ...Object.fromEntries(posts),
      '/': plain('A page on which responses are ranked by hand.', 'text/html'),
      '/health': {
        get: {
          summary: 'Whether the server takes work.',
          responses: {
            200: { description: 'It does.', content: json(state('ready')) },
            503: { description: 'It is shutting down.', content: json(state('draining')) },
          },
        },
      },
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

const json = (schema: object, example?: object) => ({
  'application/json': example === undefined ? { schema } : { schema, example },
});
