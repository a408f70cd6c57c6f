/** The thread that encodes records beside the main one, see `encodeStream`. It is a module of its own in the built package. */
import { serveWork } from '@gram/base';
import type { DataRecord } from '@gram/data';
import type { Chunk } from './encode-all.js';
import { type EncodedChunk, encodePacked, type ThreadSettings } from './encode-packed.js';
import { openEncoder } from './encoder-settings.js';

await serveWork<ThreadSettings, Chunk<DataRecord>, EncodedChunk>(
  async ({ encoder: settings, degenerate }) => {
    const encoder = await openEncoder(settings);
    return async (chunk) => {
      const result = await encodePacked(encoder, chunk, degenerate);
      return { result, transfer: [result.bytes.buffer, result.index.buffer] };
    };
  },
);
