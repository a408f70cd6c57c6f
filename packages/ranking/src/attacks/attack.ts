/** A response that is made to win without answering. */
export interface JudgeAttack {
  /** Unique among the attacks that are measured together. */
  readonly name: string;
  /** Whether the text is the whole response, or is written below the rejected response of the pair. */
  readonly place: 'alone' | 'below the rejected';
  /** Returns the text for a prompt; none below the rejected response leaves that as it is. */
  readonly text: (prompt: string) => string;
}

/** Builds an attack whose fixed text is the whole response. */
export function standingAlone(name: string, text: string): JudgeAttack {
  return { name, place: 'alone', text: () => text };
}

/** Builds an attack whose fixed text hides below the rejected response. */
export function belowRejected(name: string, text: string): JudgeAttack {
  return { name, place: 'below the rejected', text: () => text };
}
