import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { sizeOf } from '@gram/engine';
import { SAVED_BYTES, type SavedDType, type WritableArrays, writeSafetensors } from '../safetensors/write.js';

/** The names under which transformers finds weights: in one file, or in shards with an index. */
export const WEIGHT_FILES: readonly (string | RegExp)[] = [
  'model.safetensors',
  'model.safetensors.index.json',
  /^model-\d{5}-of-\d{5}\.safetensors$/,
];

type BytesOf = (array: WritableArrays[string]) => number;

/** The weights in shards of at most `maxBytes`, in their order; a larger tensor has a shard of its own. */
function planShards(weights: WritableArrays, bytesOf: BytesOf, maxBytes: number): WritableArrays[] {
  const shards: Record<string, WritableArrays[string]>[] = [];
  let shard: Record<string, WritableArrays[string]> = {};
  let filled = Number.POSITIVE_INFINITY;
  for (const [name, array] of Object.entries(weights)) {
    const bytes = bytesOf(array);
    if (filled + bytes > maxBytes) {
      shard = {};
      shards.push(shard);
      filled = 0;
    }
    shard[name] = array;
    filled += bytes;
  }
  return shards;
}

/** Writes `model.safetensors`, or numbered shards and `model.safetensors.index.json` where one file would be too large. */
export async function saveWeights(
  dir: string,
  weights: WritableArrays,
  dtype: SavedDType,
  maxShardBytes: number,
): Promise<void> {
  const bytesOf: BytesOf = ({ shape }) => sizeOf(shape) * SAVED_BYTES[dtype];
  const shards = planShards(weights, bytesOf, maxShardBytes);
  if (shards.length === 1) {
    await writeSafetensors(join(dir, 'model.safetensors'), weights, {}, dtype);
    return;
  }
  const number = (n: number) => String(n).padStart(5, '0');
  const shardOf: Record<string, string> = {};
  for (const [i, part] of shards.entries()) {
    const file = `model-${number(i + 1)}-of-${number(shards.length)}.safetensors`;
    for (const name of Object.keys(part)) shardOf[name] = file;
    await writeSafetensors(join(dir, file), part, {}, dtype);
  }
  const total = Object.values(weights).reduce((sum, array) => sum + bytesOf(array), 0);
  const index = { metadata: { total_size: total }, weight_map: shardOf };
  await writeFile(join(dir, 'model.safetensors.index.json'), `${JSON.stringify(index, null, 2)}\n`);
}
