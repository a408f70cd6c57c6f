import { columnFields, pairings } from '@gram/data';
import { z } from 'zod';
import { column, dataFormats, step } from '../stages/step-settings.js';

/** Name of a data format of any stage. */
export type DataFormat = (typeof dataFormats)[number];

const text = z.string().min(1, 'must not be empty');

/** The settings of the file of records. */
export const data = z.strictObject({
  path: text.describe(
    'file, folder or pattern of records, `hf://datasets/owner/name@revision/path` or `https://...`',
  ),
  format: z.enum(dataFormats).optional().meta({
    description: 'format of the file, one that suits the stage',
    usual: 'the one that the fields of the first record fit',
  }),
  columns: z.partialRecord(z.enum(columnFields), column).optional().meta({
    description: 'where the file has the fields: a path, `{ path, default }` or `{ template }` each',
    usual: 'where the format has them',
  }),
  pairing: z
    .enum(pairings)
    .optional()
    .meta({ description: 'how ranked responses become judged pairs', usual: '`all`' }),
  maxBadRecords: z.int().min(0).optional().meta({
    description: 'number of records that cannot be read and are left out; one more stops the run',
    usual: '0',
  }),
  limit: z
    .int()
    .min(1)
    .optional()
    .meta({ description: 'examples to read from the start of the file', usual: 'all' }),
  weights: z
    .boolean()
    .default(false)
    .describe('whether pairs count by their field `weight`, and those of a ranking as one together'),
  steps: z.array(step).min(1).optional(),
});

const { format, columns, pairing, maxBadRecords, limit } = data.shape;

/** The settings of the file of held-out records. */
export const validation = z
  .strictObject({
    path: text.describe('records that are not trained on, as `data.path`; they choose the best checkpoint'),
    format: format.meta({ description: 'as `data.format`', usual: '`data.format`' }),
    columns: columns.meta({ description: 'as `data.columns`', usual: '`data.columns`' }),
    pairing: pairing.meta({ description: 'as `data.pairing`', usual: '`data.pairing`' }),
    maxBadRecords: maxBadRecords.meta({
      description: 'as `data.maxBadRecords`',
      usual: '`data.maxBadRecords`',
    }),
    limit,
    weights: z.boolean().optional().meta({ description: 'as `data.weights`', usual: '`data.weights`' }),
    // Not listed a second time by the reference.
    steps: z
      .array(z.lazy(() => step))
      .min(1)
      .optional()
      .describe('steps that the held-out records go through, as `data.steps`, which are not taken over'),
  })
  .describe('records that are measured at each checkpoint and at the end');
