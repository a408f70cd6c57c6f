import type { FileRecord } from '../files/records.js';
import type {
  Demonstration,
  LabeledResponse,
  PreferencePair,
  PromptRecord,
  ResponseList,
  TextDocument,
} from '../records.js';

/** Types that records give, by kind of format. */
interface Kinds {
  /** A judged pair. */
  readonly pair: PreferencePair | 'tie';
  /** Responses with a reward each, or with ranks. */
  readonly ranking: ResponseList & { readonly rewards: readonly number[] };
  /** Responses without a judgment. */
  readonly list: ResponseList;
  /** One response that is good or bad. */
  readonly label: LabeledResponse;
  /** One response to imitate. */
  readonly demonstration: Demonstration;
  readonly prompt: PromptRecord;
  readonly text: TextDocument;
}

/** The name of a kind of format: what its records hold. */
export type Kind = keyof Kinds;

/** Type that a record of one kind of format gives where it is no tie. */
export type Held<Holds extends Kind> = Exclude<Kinds[Holds], 'tie'>;

/** Type that a record of any format gives. */
export type HeldBy = Held<Kind>;

/** A format of records that hold one kind of things. */
export interface FormatOf<Holds extends Kind> {
  readonly holds: Holds;
  /** The fields of a record, as a message shows them. */
  readonly fields: string;
  /** Whether a record has the fields that tell the format from others. */
  fits(from: FileRecord): boolean;
  /**
   * Reads a record.
   *
   * @throws {DataError} `bad-record`
   */
  read(from: FileRecord): Kinds[Holds];
  /**
   * Says what identifies the records that stand one after the other and are read as one, `{ records }`.
   *
   * @throws {DataError} `bad-record`
   */
  joinKey?(from: FileRecord): string;
  /**
   * Reads the margin of a pair, undefined where the record has none. It is read only where margins are used.
   *
   * @throws {DataError} `bad-record`
   */
  margin?(from: FileRecord): number | undefined;
}

/** A format of records. */
export type Format = { readonly [Holds in Kind]: FormatOf<Holds> }[Kind];
