/** The place of a token in its text, from the index `start` to before `end`. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/** Numbers of a token: its id and its place in UTF-16 units. */
const [ID, START, END, WIDTH] = [0, 1, 2, 3];

/** Lists that nobody uses at the moment. */
const unused: TokenList[] = [];

/** Lends a list to a function, which is not to keep it: a new one for each text would take longer than to fill it. */
export async function withTokens<Result>(use: (tokens: TokenList) => Promise<Result>): Promise<Result> {
  const tokens = unused.pop() ?? new TokenList();
  try {
    return await use(tokens);
  } finally {
    tokens.clear();
    unused.push(tokens);
  }
}

/** The tokens of a text with their places, in one array that grows. */
export class TokenList {
  private numbers: Int32Array<ArrayBuffer>;
  count = 0;
  /** Whether all places are known. Those of the library are where they were asked for. */
  hasPlaces = true;

  /** @param room number of tokens for which there is room before the array grows */
  constructor(room = 256) {
    this.numbers = new Int32Array(WIDTH * room);
  }

  id(token: number): number {
    return this.numbers[WIDTH * token + ID] ?? 0;
  }

  start(token: number): number {
    return this.numbers[WIDTH * token + START] ?? 0;
  }

  end(token: number): number {
    return this.numbers[WIDTH * token + END] ?? 0;
  }

  clear(): void {
    this.count = 0;
    this.hasPlaces = true;
  }

  add(id: number, start: number, end: number): void {
    const at = WIDTH * this.count++;
    if (at === this.numbers.length) this.grow(2 * at);
    this.numbers[at + ID] = id;
    this.numbers[at + START] = start;
    this.numbers[at + END] = end;
  }

  /** Appends tokens of a part of the text that starts at a place: all of a list, or those from one to before another. */
  append(other: TokenList, start: number, { from = 0, to = other.count } = {}): void {
    for (let token = from; token < to; token++)
      this.add(other.id(token), start + other.start(token), start + other.end(token));
    this.hasPlaces &&= other.hasPlaces;
  }

  /** Takes the tokens from a number on out of the list. */
  takeFrom(first: number): TokenList {
    const taken = new TokenList(0);
    taken.numbers = this.numbers.slice(WIDTH * first, WIDTH * this.count);
    taken.count = this.count - first;
    this.count = first;
    return taken;
  }

  /** Appends the ids to others. */
  appendIdsTo(ids: number[]): void {
    for (let token = 0; token < this.count; token++) ids.push(this.id(token));
  }

  spans(): Span[] {
    return Array.from({ length: this.count }, (_, token) => ({
      start: this.start(token),
      end: this.end(token),
    }));
  }

  private grow(length: number): void {
    const longer = new Int32Array(Math.max(WIDTH, length));
    longer.set(this.numbers);
    this.numbers = longer;
  }
}
