/** A process as messages name it. */
export interface Member {
  readonly host: string;
  readonly process: number;
}

/** Returns the name of a rank in messages: `rank 1 (process 4711 on node7)`. */
export function nameOfRank(rank: number, { host, process }: Member): string {
  return `rank ${rank} (process ${process} on ${host})`;
}
