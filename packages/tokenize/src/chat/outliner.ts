import { TokenizeError } from '../error.js';
import { renderJinja, type TemplateValue } from './jinja.js';
import { findSlots, makePlaceholders, type Outline, type Placeholders } from './placeholders.js';

/** All that the outline of a conversation depends on, which is everything but the texts. */
export interface ConversationShape {
  readonly roles: readonly string[];
  /** Whether each message has no text. */
  readonly empty: readonly boolean[];
  readonly addGenerationPrompt: boolean;
}

interface Task extends ConversationShape {
  readonly placeholders: Placeholders;
  resolve(outline: Outline): void;
  reject(error: unknown): void;
}

/** Limits of what one process renders. An ordinary template takes about a millisecond per message. */
const BATCH_LIMITS = { conversations: 32, messages: 500 } as const;

/**
 * Creates a function that renders conversations with placeholders for their texts. Conversations that wait at the same
 * time share a process, as starting one takes longer than rendering. No more than one process runs at a time.
 *
 * The function throws TokenizeError as `ChatTemplate.render` does.
 */
export function createOutliner({
  template,
  variables,
  now,
}: {
  readonly template: string;
  readonly variables: Readonly<Record<string, TemplateValue>>;
  readonly now: Date;
}): (shape: ConversationShape) => Promise<Outline> {
  const waiting: Task[] = [];
  let running = false;

  async function renderBatch(tasks: readonly Task[]): Promise<void> {
    try {
      const results = await renderJinja({
        template,
        now,
        contexts: tasks.flatMap((task) => contextsOf(task, variables)),
      });
      let from = 0;
      for (const task of tasks) {
        const own = results.slice(from, from + task.placeholders.contents.length);
        from += own.length;
        settle(task, own);
      }
    } catch (error) {
      for (const task of tasks) task.reject(error);
    }
  }

  async function renderWaiting(): Promise<void> {
    if (running) return;
    running = true;
    // Calls that do not wait for each other have all arrived in the next turn of the event loop.
    await Promise.resolve();
    while (waiting.length > 0) await renderBatch(takeBatch(waiting));
    running = false;
  }

  return (shape) =>
    new Promise((resolve, reject) => {
      waiting.push({ ...shape, placeholders: makePlaceholders(shape.empty), resolve, reject });
      void renderWaiting();
    });
}

/** The variables of each rendering of a conversation. */
function contextsOf(
  { roles, addGenerationPrompt, placeholders }: Task,
  variables: Readonly<Record<string, TemplateValue>>,
) {
  return placeholders.contents.map((contents) => ({
    ...variables,
    messages: roles.map((role, index) => ({ role, content: contents[index] ?? '' })),
    tools: null,
    documents: null,
    add_generation_prompt: addGenerationPrompt,
  }));
}

/** Takes the conversations that have waited longest from the list, as many as the limits allow and at least one. */
function takeBatch(waiting: Task[]): Task[] {
  let messages = 0;
  const end = waiting.findIndex(({ roles }, index) => {
    messages += roles.length;
    return index > 0 && (index >= BATCH_LIMITS.conversations || messages > BATCH_LIMITS.messages);
  });
  return waiting.splice(0, end < 0 ? waiting.length : end);
}

function settle(task: Task, results: readonly (string | TokenizeError)[]): void {
  try {
    const texts = results.map((result) => {
      if (result instanceof TokenizeError) throw result;
      return result;
    });
    task.resolve(findSlots(texts, task.placeholders, task.roles));
  } catch (error) {
    task.reject(error);
  }
}
