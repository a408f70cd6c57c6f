import { deviceNames } from '@gram/engine';
import { z } from 'zod';

/** A device of a configuration: a kind, one of several GPUs, or `auto`. */
export const deviceSetting = z.union([
  z.enum([...deviceNames, 'auto']),
  z.templateLiteral(['cuda:', z.int().min(0)]),
]);
