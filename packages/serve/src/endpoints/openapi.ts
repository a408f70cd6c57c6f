import { isLoopback, type Limits, type Settings } from '../options.js';
import type { Route } from './routes.js';
import { errorSchema, FIELDS } from './schemas.js';

/** Header with which a client asks for an earlier deadline. */
export const DEADLINE_HEADER = 'Gram-Deadline-Ms';

/** The largest number of milliseconds that the header may name. */
export const MAX_DEADLINE_MS = 999_999_999;

/** Bounds that no option changes. */
export const FIXED_LIMITS = {
  /** Largest bodies that may be in memory at once. */
  bodies: 64,
  /** Pieces in which a body may come, beside one for each `pieceBytes` of it. */
  pieces: 1000,
  pieceBytes: 64,
  /** Levels to which a body may be nested. */
  depth: 64,
  /** Fields of a body. */
  fields: FIELDS,
  /** Requests of one connection that may wait for their answers. */
  inAdvance: 8,
} as const;

/** Statuses of requests that are not answered with a result. */
function refusals({ limits }: Settings): Readonly<Record<number, string>> {
  const { bodyBytes, comparisons, queue, receiveMs } = limits;
  const { bodies, pieces, pieceBytes, depth, fields, inAdvance } = FIXED_LIMITS;
  return {
    400: `The body is not JSON, not UTF-8, or nested in more than ${depth} levels.`,
    401: 'The API key is missing or wrong.',
    403: 'The server was asked by a name that is not its own.',
    408: `The headers, or the body, took longer than ${receiveMs} ms to arrive.`,
    413: `The body is larger than ${bodyBytes} bytes, or comes in more than ${pieces} pieces and one for each ${pieceBytes} bytes.`,
    415: 'The body is not declared as JSON, or compressed.',
    422: `A field is missing, of another type or too long, there are more than ${fields}, or the request needs more than ${comparisons} comparisons.`,
    429: `More than ${queue} comparisons would wait, or bodies of more than ${bodies * bodyBytes} bytes, or more than ${inAdvance} requests of a connection; the header Retry-After says how many seconds to wait.`,
    500: 'The server or the model failed.',
    503: 'The server is shutting down.',
    504: 'The deadline has passed.',
  };
}

/** Renders the OpenAPI 3.1 document of a server. */
export function openapi(routes: readonly Route[], settings: Settings): object {
  const secured = settings.apiKey === undefined ? {} : { security: [{ key: [] }] };
  const errors = errorResponses(settings);
  const { 401: unauthorized } = errors;
  const guarded = { ...secured, ...(unauthorized === undefined ? {} : { errors: { 401: unauthorized } }) };
  const parameters = [deadlineParameter(settings)];
  const posts = routes.map(({ path, summary, shape, example }) => {
    const requestBody = { required: true, content: json(shape.request, example) };
    const responses = { 200: { description: 'Done.', content: json(shape.response) }, ...errors };
    return [path, { post: { summary, ...secured, parameters, requestBody, responses } }];
  });
  return {
    openapi: '3.1.0',
    info: { title: 'gram serve', version: '1', description: 'A server of a reward model.' },
    'x-limits': limitsOf(settings),
    paths: {
      ...Object.fromEntries(posts),
      '/': plain('A page on which responses are ranked by hand.', 'text/html'),
      '/health': health,
      '/metrics': plain('Counters in the text format of Prometheus.', 'text/plain', guarded),
      '/v1/models': plain('The served model, as OpenAI lists models.', 'application/json', guarded),
      [`/v1/models/${encodeURIComponent(settings.name)}`]: plain(
        'The served model, as OpenAI describes one.',
        'application/json',
        guarded,
      ),
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

/** All bounds of what one request, and all of them together, may ask. */
function limitsOf({ limits, deadlineMs }: Settings): Limits & typeof FIXED_LIMITS & { deadlineMs: number } {
  return { ...limits, ...FIXED_LIMITS, deadlineMs };
}

/** Statuses that the server answers with these settings. */
function errorResponses(settings: Settings): Record<string, object> {
  const { apiKey, host } = settings;
  const possible = Object.entries(refusals(settings)).filter(([status]) => {
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
    description: `Milliseconds until the request is answered 504; more than ${deadlineMs} are as many.`,
    schema: { type: 'integer', minimum: 1, maximum: MAX_DEADLINE_MS },
  };
}

function plain(
  summary: string,
  type: string,
  { errors = {}, ...rest }: { readonly errors?: object; readonly security?: object[] } = {},
): object {
  const responses = { 200: { description: 'Done.', content: { [type]: { schema: {} } } }, ...errors };
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
