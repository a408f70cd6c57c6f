import { TokenizeError } from '../error.js';
import type { ConversationShape } from './conversation-texts.js';
import { findSlots, type Outline } from './placeholders.js';
import { renderJinja, type TemplateValue } from './rendering/jinja.js';
import { makePlaceholders, type Placeholders } from './stand-ins.js';

/** Conversations that are rendered at once. */
export interface OutlineTask {
  readonly shape: ConversationShape;
  readonly addGenerationPrompt: boolean;
  readonly variables: Readonly<Record<string, TemplateValue>>;
}

interface Task extends OutlineTask {
  readonly placeholders: Placeholders;
  resolve(outline: Outline): void;
  reject(error: unknown): void;
}

/** Limits of what one process renders. An ordinary template takes about a millisecond per message. */
const BATCH_LIMITS = { conversations: 32, texts: 500 } as const;

/**
 * Creates a function that renders conversations with placeholders for their texts. Conversations that wait at the same
 * time share a process, as starting one takes longer than rendering. No more than one process runs at a time.
 *
 * The function throws TokenizeError as `ChatTemplate.render` does.
 */
export function createOutliner({
  template,
  now,
}: {
  readonly template: string;
  readonly now: Date;
}): (task: OutlineTask) => Promise<Outline> {
  // A template that knows reasoning decides itself which turns show it.
  const knowsReasoning = template.includes('reasoning_content');
  const waiting: Task[] = [];
  let running = false;

  async function renderBatch(tasks: readonly Task[]): Promise<void> {
    try {
      const results = await renderJinja({
        template,
        now,
        contexts: tasks.flatMap(contextsOf),
      });
      let from = 0;
      for (const task of tasks) {
        const own = results.slice(from, from + task.placeholders.contents.length);
        from += own.length;
        settle(task, own, knowsReasoning);
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

  return (task) =>
    new Promise((resolve, reject) => {
      waiting.push({ ...task, placeholders: makePlaceholders(task.shape.texts), resolve, reject });
      void renderWaiting();
    });
}

/** The variables of each rendering of a conversation. */
function contextsOf({ shape, addGenerationPrompt, placeholders, variables }: Task) {
  return placeholders.contents.map((contents) => ({
    ...variables,
    ...shape.fill(contents),
    documents: null,
    add_generation_prompt: addGenerationPrompt,
  }));
}

/** Takes the conversations that have waited longest from the list, as many as the limits allow and at least one. */
function takeBatch(waiting: Task[]): Task[] {
  let texts = 0;
  const end = waiting.findIndex(({ shape }, index) => {
    texts += shape.texts.length;
    return index > 0 && (index >= BATCH_LIMITS.conversations || texts > BATCH_LIMITS.texts);
  });
  return waiting.splice(0, end < 0 ? waiting.length : end);
}

function settle(
  { shape, placeholders, ...task }: Task,
  results: readonly (string | TokenizeError)[],
  knowsReasoning: boolean,
): void {
  try {
    const texts = results.map((result) => {
      if (result instanceof TokenizeError) throw result;
      return result;
    });
    task.resolve(findSlots(texts, placeholders, shape.texts, knowsReasoning));
  } catch (error) {
    task.reject(error);
  }
}
