import { basename, join } from 'node:path';
import { writeFileAtomic } from '@gram/base';
import { type GramMetadata, parameterCount } from '@gram/model';
import { type Cell, modelCard, settingRows, writeRunReport } from '@gram/run';
import { describeRatios } from '../advantages/importance.js';
import { methodOf, type PpoOptions } from '../options.js';
import { rewardList } from '../rewards/reward-list.js';
import { endSamples, rlhfSections } from '../samples/report-parts.js';
import { readSamples, SAMPLES_FILE } from '../samples/samples-log.js';
import { metricsOf, recordsOf } from './records.js';
import type { PpoEvaluation, PpoRun, PpoStepRecord, StopReason } from './run.js';
import { type PpoState, worthOf } from './state.js';

const reasons: Readonly<Record<StopReason, string>> = {
  steps: 'all steps were done',
  kl: 'the KL passed its limit',
  patience: 'no newer policy was better',
};

/** Writes the report and the model card of a run that has ended. */
export async function writeResults(
  run: PpoRun & { readonly output: string },
  options: PpoOptions,
  state: PpoState,
  gram: GramMetadata,
): Promise<void> {
  const { output } = run;
  const settings = { ...options, optimizer: options.optimizer.name };
  const history = recordsOf(state);
  const rewards = rewardList(run.reward);
  const metrics = metricsOf(rewards);
  const samples = await readSamples(join(output, SAMPLES_FILE));
  const facts = factsOf(run, state);
  await writeRunReport(join(output, 'report.html'), {
    title: `RLHF: ${methodOf(options)}`,
    subtitle: 'policy model',
    metrics,
    history,
    facts: [...facts, ['steps', state.step]],
    sections: rlhfSections(state.evaluations, endSamples(samples), rewards),
    settings,
  });
  const card = modelCard({
    name: basename(output),
    gram,
    tags: ['rlhf'],
    training: [
      ['method', { text: describeMethod(options) }],
      ...facts.map(([what, value]): [string, Cell] => [what, { text: String(value) }]),
    ],
    settings: settingRows(settings),
    metrics,
    history,
    remarks: remarksOf(state),
    versions: run.versions ?? { node: process.version },
  });
  await writeFileAtomic(join(output, 'README.md'), card);
}

function describeMethod(options: PpoOptions): string {
  if (options.objective === 'preference')
    return 'online DPO, from the best and the worst response to a prompt';
  if (options.objective === 'best') return 'best-of-n distillation, from the best response to a prompt';
  return `PPO, advantages by ${options.advantages}`;
}

/** Numbers of a run that has ended: what, and the value. */
function factsOf({ policy, prompts, validation }: PpoRun, state: PpoState): [string, number | string][] {
  const total = (of: (record: PpoStepRecord) => number) =>
    state.steps.reduce((sum, record) => sum + of(record), 0);
  const ratios = describeRatios(state.steps);
  return [
    ['parameters of the policy', parameterCount(policy.config)],
    ['prompts', prompts.length],
    ['validation prompts', validation?.length ?? 0],
    [
      validation === undefined
        ? 'step of the model, the last'
        : 'step of the model, the best on validation prompts',
      state.best.step,
    ],
    ['why the run ended', reasons[state.stopped ?? 'steps']],
    ['gradient steps skipped, not finite', total(({ skipped }) => skipped)],
    ['responses without a reward', total(({ unrewarded }) => unrewarded)],
    ['of these because a reward failed', total(({ failed }) => failed)],
    ['failed calls of reward functions', total(({ failedCalls }) => failedCalls)],
    ['responses that were kept out of the loss', total(({ excluded }) => excluded)],
    ['responses whose texts were cut for the reward', total(({ truncated }) => truncated)],
    ['responses whose texts were escaped for the reward', total(({ neutralized }) => neutralized)],
    ['prompts that were cut for the policy', total((record) => record.truncatedPrompts)],
    ['prompts that spell control tokens', total((record) => record.neutralizedPrompts)],
    ...(ratios === undefined ? [] : [['rollouts with rounded matrices', ratios] as [string, string]]),
  ];
}

function atKl({ kl }: Pick<PpoEvaluation, 'kl'>): string {
  return kl === undefined ? '' : ` at a KL of ${kl.toPrecision(4)} nats a response`;
}

function remarksOf({ step, best, evaluations }: PpoState): string[] {
  const measured = evaluations.find((evaluation) => evaluation.step === best.step);
  const chosen =
    measured === undefined
      ? ''
      : ` On the validation prompts, by which the step was chosen, its reward was ${worthOf(measured).toPrecision(4)}${atKl(measured)}.`;
  return [
    `${step} steps. These numbers are those of the responses that were learned from.`,
    `The model is that of step ${best.step}.${chosen}`,
  ];
}
