/** Bytes of one entry of the trie. */
const UNIT_BYTES = 4;

/**
 * Finds what is wrong with the map of a `Precompiled` normalizer, which SentencePiece writes: the size of a trie, the trie
 * as a double array (Darts), and the texts that its values point into. The library follows offsets without looking at
 * the ends of the arrays, so every offset that some text could lead to is followed here.
 *
 * @returns what is wrong, as the end of a sentence; undefined where nothing is
 */
export function charsmapProblem(charsmap: unknown): string | undefined {
  if (typeof charsmap !== 'string') return 'has no precompiled_charsmap';
  const bytes = Buffer.from(charsmap, 'base64');
  if (bytes.toString('base64') !== charsmap) return 'has a precompiled_charsmap that is not base64';
  const size = bytes.length < UNIT_BYTES ? -1 : bytes.readUInt32LE(0);
  if (size < UNIT_BYTES || size % UNIT_BYTES !== 0 || size > bytes.length - UNIT_BYTES)
    return 'has a precompiled_charsmap whose trie does not fit it';
  const texts = bytes.subarray(UNIT_BYTES + size);
  if (!isUtf8(texts)) return 'has a precompiled_charsmap with texts that are not UTF-8';
  const trie = Array.from({ length: size / UNIT_BYTES }, (_, at) =>
    bytes.readUInt32LE(UNIT_BYTES + at * UNIT_BYTES),
  );
  return isSound(trie, texts) ? undefined : 'has a precompiled_charsmap whose trie leads out of it';
}

function isSound(trie: readonly number[], texts: Uint8Array): boolean {
  const waiting = [offsetOf(trie[0] ?? 0)];
  const seen = new Set(waiting);
  for (let base = waiting.pop(); base !== undefined; base = waiting.pop()) {
    for (let byte = 1; byte < 256; byte++) {
      const at = base ^ byte;
      const unit = trie[at];
      if (unit === undefined) return false;
      if (labelOf(unit) !== byte) continue;
      const next = at ^ offsetOf(unit);
      if (hasLeaf(unit) && !isStart(texts, trie[next])) return false;
      if (seen.has(next)) continue;
      seen.add(next);
      waiting.push(next);
    }
  }
  return true;
}

// The layout of a unit: https://github.com/s-yata/darts-clone, class DoubleArrayUnit.

function offsetOf(unit: number): number {
  return ((unit >>> 10) << ((unit & (1 << 9)) >>> 6)) >>> 0;
}

function labelOf(unit: number): number {
  return (unit & 0x8000_00ff) >>> 0;
}

function hasLeaf(unit: number): boolean {
  return ((unit >>> 8) & 1) === 1;
}

/** Whether the value of a leaf is the place of a whole character, or the end. */
function isStart(texts: Uint8Array, leaf: number | undefined): boolean {
  if (leaf === undefined) return false;
  const at = leaf & 0x7fff_ffff;
  if (at >= texts.length) return at === texts.length;
  return ((texts[at] ?? 0) & 0xc0) !== 0x80;
}

function isUtf8(bytes: Uint8Array): boolean {
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    return true;
  } catch {
    return false;
  }
}
