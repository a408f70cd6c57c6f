import { TokenizeError } from '../../error.js';
import { PROCESS_LIMITS, START_MILLISECONDS, takeProcess } from './process.js';

/** Values that a template may see: plain data. */
export type TemplateValue =
  | string
  | number
  | boolean
  | null
  | readonly TemplateValue[]
  | { readonly [name: string]: TemplateValue };

/** The limits of a rendering. Templates come with checkpoints, and checkpoints come from strangers. */
export const JINJA_LIMITS = {
  /** Characters of a template. The largest of well-known models have about 15,000. */
  templateChars: 100_000,
  /** Milliseconds of rendering. Ordinary templates take a few. */
  milliseconds: 5_000,
  ...PROCESS_LIMITS,
  /** Characters of one rendered text. */
  outputChars: 1_000_000,
} as const;

/** Input of {@link renderJinja}. */
export interface JinjaJob {
  readonly template: string;
  /** The variables of each text to render. */
  readonly contexts: readonly { readonly [name: string]: TemplateValue }[];
  /** The time that `strftime_now` returns. */
  readonly now: Date;
  /** Time limit in milliseconds. @default 5000 */
  readonly milliseconds?: number;
}

interface Failure {
  readonly kind: 'refused' | 'limit' | 'broken';
  readonly reason: string;
}
type Answer = Failure | readonly (Failure | { readonly text: string })[];

/**
 * Renders a Jinja template as transformers does (`trim_blocks`, `lstrip_blocks`, `raise_exception`, `strftime_now`),
 * once for each context.
 *
 * A separate process renders, with limits on size, time, memory and output, and ends afterward, so a hostile template
 * costs no more than one error. A worker thread would not suffice: where a template makes its heap grow fast, the engine
 * gives up and ends the whole process, whatever the limits of the worker.
 *
 * The result has a text or an error for each context: TokenizeError `template-refused` where the template called
 * `raise_exception`, or one of those below.
 *
 * @throws {TokenizeError} `template-limit`, `template-broken` where no context was rendered
 */
export async function renderJinja(job: JinjaJob): Promise<readonly (string | TokenizeError)[]> {
  const { template, contexts, now, milliseconds = JINJA_LIMITS.milliseconds } = job;
  const { templateChars, outputChars } = JINJA_LIMITS;
  if (template.length > templateChars) {
    throw beyondLimit(`it has ${template.length} characters, and ${templateChars} are allowed`);
  }
  const answer = await ask({
    template,
    contexts,
    now: now.toISOString(),
    milliseconds,
    maxChars: outputChars,
  });
  if ('kind' in answer) throw errorOf(answer);
  return answer.map((result) => ('text' in result ? result.text : errorOf(result)));
}

function errorOf({ kind, reason }: Failure): TokenizeError {
  // The text comes from a template, so it is shortened.
  const line = reason.replace(/\s+/g, ' ').slice(0, 300);
  if (kind === 'limit') return beyondLimit(line);
  if (kind === 'broken') return brokenTemplate(`it cannot be rendered: ${line}`);
  return new TokenizeError(
    'template-refused',
    `the chat template does not take this conversation: ${line}`,
    'change the order or the roles of the messages as the template requires',
  );
}

/** Makes the error for a chat template that exists and cannot be used. */
export function brokenTemplate(what: string, cause?: unknown): TokenizeError {
  return new TokenizeError(
    'template-broken',
    `the chat template is not usable: ${what}`,
    'use the template that was published with the model, complete and unchanged',
    { cause },
  );
}

/** Makes the error for a chat template that is larger, or needs more, than is allowed. */
export function beyondLimit(what: string): TokenizeError {
  return new TokenizeError(
    'template-limit',
    `the chat template goes beyond a limit: ${what}`,
    'check where the template comes from; ordinary ones are far from the limits',
  );
}

function noProcess(cause: unknown): TokenizeError {
  return new TokenizeError(
    'template-broken',
    'no process can be started to render the chat template',
    `check that this program may run ${process.execPath}`,
    { cause },
  );
}

/** The message to the process. */
interface Question extends Omit<JinjaJob, 'now'> {
  readonly now: string;
  readonly milliseconds: number;
  readonly maxChars: number;
}

function ask(job: Question): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const child = takeProcess();
    // The process limits its own time. This limit is for one that does not start.
    const late = setTimeout(() => child.kill('SIGKILL'), job.milliseconds + START_MILLISECONDS);
    child.once('message', (answer) => resolve(answer as Answer));
    child.once('error', (cause) => {
      clearTimeout(late);
      reject(noProcess(cause));
    });
    child.once('close', () => {
      clearTimeout(late);
      // The engine ends a process whose heap is full without a message. After an answer this has no effect.
      const { heapMb } = PROCESS_LIMITS;
      resolve({ kind: 'limit', reason: `it takes more than ${heapMb} MB, or its process was ended` });
    });
    child.send(job, () => {});
  });
}
