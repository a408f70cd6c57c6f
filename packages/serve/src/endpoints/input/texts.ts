/** Whether no text inside of a value of JSON has half of a surrogate pair, which a tokenizer would read as something else. */
export function wellFormed(value: unknown): boolean {
  if (typeof value === 'string') return !/\p{Surrogate}/u.test(value);
  if (typeof value !== 'object' || value === null) return true;
  return Object.entries(value).every(([key, inner]) => wellFormed(key) && wellFormed(inner));
}

/** Marks with which chat templates of common models begin turns. */
const TURN_MARKS = [
  '<|im_start|>',
  '<|start_header_id|>',
  '<start_of_turn>',
  '<|START_OF_TURN_TOKEN|>',
  '<\uff5cUser\uff5c>',
  '<\uff5cAssistant\uff5c>',
  '<|user|>',
  '<|assistant|>',
  '<|turn>',
  '[INST]',
] as const;

/** Finds a mark of a chat template in a text. */
export function turnMarkIn(text: string): string | undefined {
  return TURN_MARKS.find((mark) => text.includes(mark));
}
