import type { TextFlags as ResponseFlags } from '@gram/reward';
import type { Rollout } from '../rollout/collect.js';
import type { PpoRun, PpoStepRecord } from './run.js';

/** What is said of the responses and prompts of a step whose texts were changed before a model read them. */
const MEANINGS = {
  truncated: 'responses were judged by text that was cut to fit',
  neutralized: 'responses were judged by text in which control text was escaped',
  truncatedPrompts: 'prompts were cut to fit the policy',
  neutralizedPrompts: 'prompts spell control tokens, which are ordinary text to the policy',
} as const;

/** Numbers of responses and prompts of a step whose texts were changed. */
export type TextFlags = Pick<PpoStepRecord, keyof typeof MEANINGS>;

/** Counts what was cut or escaped for the reward function, and for the policy. */
export function textFlags(
  scored: readonly ResponseFlags[],
  rollouts: readonly Pick<Rollout, 'truncated' | 'neutralized'>[],
): TextFlags {
  return {
    truncated: scored.filter(({ truncated }) => truncated).length,
    neutralized: scored.filter(({ neutralized }) => neutralized).length,
    truncatedPrompts: rollouts.filter(({ truncated }) => truncated).length,
    neutralizedPrompts: rollouts.filter(({ neutralized }) => neutralized).length,
  };
}

/** Says each of these once in a run, at the first step that has it; the records count the rest. */
export function noteFlags(
  { onNote }: Pick<PpoRun, 'onNote'>,
  before: readonly TextFlags[],
  { step, ...now }: TextFlags & Pick<PpoStepRecord, 'step'>,
): void {
  for (const name of Object.keys(MEANINGS) as (keyof TextFlags)[]) {
    if (now[name] === 0 || before.some((flags) => flags[name] > 0)) continue;
    onNote?.(`step ${step}: ${now[name]} ${MEANINGS[name]}; each record counts them as ${name}`);
  }
}
