import { bradleyTerry } from './bradley-terry.js';
import { dpo } from './dpo.js';
import { finetune } from './finetune.js';
import { pretrain } from './pretrain.js';
import { sft } from './sft.js';
import type { Stage } from './stage.js';

/** The stages by name. To add one, write its file and list it here and in `stageSettings`. */
export const stages = {
  pretrain,
  finetune,
  'bradley-terry': bradleyTerry,
  sft,
  dpo,
} as const;

/** Name of a stage. */
export type TrainingStage = keyof typeof stages;

/** Names of the stages. */
export const stageNames = Object.keys(stages) as readonly TrainingStage[];

/** Settings that belong to one stage each. */
export const stageSettings = {
  ...pretrain.settings,
  ...finetune.settings,
  ...bradleyTerry.settings,
  ...sft.settings,
  ...dpo.settings,
};

/** The stage of a name. */
export function stageOf(name: TrainingStage): Stage {
  return stages[name];
}
