import { TokenizeError } from '../error.js';
import { renderJinja, type TemplateValue } from './jinja.js';
import { findSlots, makePlaceholders, type Outline, type Placeholders } from './placeholders.js';

/** What the outline of a conversation depends on: all but the texts. */
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

/** How much one process renders, in its limited time: an ordinary template takes about a millisecond per message. */
const batchLimits = { conversations: 32, messages: 500 } as const;

/**
 * Renders conversations with placeholders for their texts. Conversations that wait at the same time share a process,
 * as starting one takes longer than rendering. Never more than one process runs.
 *
 * The function it gives throws TokenizeError as `ChatTemplate.render` does.
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

  function contextsOf({ roles, addGenerationPrompt, placeholders }: Task) {
    return placeholders.contents.map((contents) => ({
      ...variables,
      messages: roles.map((role, index) => ({ role, content: contents[index]! })),
      tools: null,
      documents: null,
      add_generation_prompt: addGenerationPrompt,
    }));
  }

  async function renderBatch(tasks: readonly Task[]): Promise<void> {
    try {
      const results = await renderJinja({ template, now, contexts: tasks.flatMap(contextsOf) });
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
    // Calls made one after the other without waiting are all there in the next turn.
    await Promise.resolve();
    while (waiting.length > 0) await renderBatch(nextBatch());
    running = false;
  }

  /** The longest waiting conversations, as many as the limits allow and at least one. */
  function nextBatch(): Task[] {
    let messages = 0;
    const end = waiting.findIndex(({ roles }, index) => {
      messages += roles.length;
      return index > 0 && (index >= batchLimits.conversations || messages > batchLimits.messages);
    });
    return waiting.splice(0, end < 0 ? waiting.length : end);
  }

  return (shape) =>
    new Promise((resolve, reject) => {
      waiting.push({ ...shape, placeholders: makePlaceholders(shape.empty), resolve, reject });
      void renderWaiting();
    });
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
