import { stageSettings } from '../stages/table.js';
import { type SettingReference, settingsOf } from './reference.js';
import { root } from './schema.js';

/** All settings of a training configuration in their order, as their schemas describe them. */
export function settingReference(): SettingReference[] {
  return settingsOf({ ...root.shape, ...stageSettings });
}
