/** A sequence of which some tokens are to be predicted. */
export interface GenerationExample {
  readonly ids: readonly number[];
  /** Index of the first supervised token, at least 1. */
  readonly lossFrom: number;
  /**
   * Supervised parts, from `start` up to and without `end`, in order: of a response of several turns the turns of the assistant.
   * @default all from `lossFrom` on
   */
  readonly lossSpans?: readonly { readonly start: number; readonly end: number }[];
}

/** A judge prompt and which label is right: 0 for the first response, 1 for the second. */
export interface PreferenceExample {
  readonly ids: readonly number[];
  readonly label: 0 | 1;
  /**
   * The judge prompt with the responses in the other order, of which the other label is right. It is read in every second
   * epoch. @default every epoch reads `ids`
   */
  readonly swapped?: readonly number[];
  /** Weight of the pair in the loss. @default 1 */
  readonly weight?: number;
}

/** The same prompt with its chosen and its rejected response. */
export interface RewardExample {
  readonly chosen: readonly number[];
  readonly rejected: readonly number[];
  /** Difference by which the chosen reward should be higher, 0 or more; that of two ratings, say. */
  readonly margin?: number;
  /** Weight of the pair in the loss. @default 1 */
  readonly weight?: number;
}

/**
 * The same prompt with its chosen and its rejected response, both to be written by a language model. The responses begin at
 * `lossFrom` of each side, where the tokens of the prompt end.
 */
export interface PolicyPair {
  readonly chosen: GenerationExample;
  readonly rejected: GenerationExample;
  /** Weight of the pair in the loss. @default 1 */
  readonly weight?: number;
}

/** Lists the supervised parts of a sequence. */
export function supervisedSpans({ ids, lossFrom, lossSpans }: GenerationExample) {
  return lossSpans ?? [{ start: lossFrom, end: ids.length }];
}

/** Counts the supervised tokens of a sequence. */
export function supervisedCount(example: GenerationExample): number {
  return supervisedSpans(example).reduce((sum, { start, end }) => sum + end - start, 0);
}

/** Length of the longer side of a pair, in tokens. */
export function pairLength({ chosen, rejected }: PolicyPair): number {
  return Math.max(chosen.ids.length, rejected.ids.length);
}

/** Weight of a pair in the loss. */
export function pairWeight({ weight = 1 }: { readonly weight?: number }): number {
  return weight;
}
