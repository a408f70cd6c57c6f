import { promptFormats } from '@gram/data';
import { judgePrompts, plainChat } from '@gram/tokenize';
import {
  checkUpdateRule,
  dataSettings,
  deviceSetting,
  keysOf,
  loraSettings,
  settingsOf,
  updateRuleSettings,
} from '@gram/train';
import { z } from 'zod';
import { optionFields } from '../options.js';
import { comparingForms, remoteForms, remoteReferences } from '../rewards/http-reward.js';
import { lengthUnits } from '../rewards/rules.js';

const count = z.int().min(1);
const text = z.string().min(1, 'must not be empty');
const seconds = z.number().positive();

const { columns, maxBadRecords, limit } = dataSettings.shape;
const format = z
  .enum(promptFormats)
  .optional()
  .meta({ description: 'format of the file', usual: 'the one that the fields of the first record fit' });

const prompts = z.strictObject({
  path: text.describe(
    'file, folder or pattern of prompts, `hf://datasets/owner/name@revision/path` or `https://...`',
  ),
  ...{ format, columns, maxBadRecords, limit },
});

const validation = z
  .strictObject({
    path: text.describe('prompts that are not learned from, as `prompts.path`; they choose the best policy'),
    format: format.meta({ description: 'as `prompts.format`', usual: '`prompts.format`' }),
    columns: columns.meta({ description: 'as `prompts.columns`', usual: '`prompts.columns`' }),
    maxBadRecords: maxBadRecords.meta({
      description: 'as `prompts.maxBadRecords`',
      usual: '`prompts.maxBadRecords`',
    }),
    limit,
  })
  .describe('prompts on which the policy is measured');

const model = text.optional().meta({
  description: 'a directory, a GGUF file or a repository of the hub',
  usual: '`adapter` says what it is',
});
const adapter = text.optional().meta({
  description: 'directory of an adapter of `policy.model`, with which it shares the weights in memory',
  usual: 'a model of its own',
});
const overlong = z
  .enum(['error', 'truncate'])
  .default('truncate')
  .describe('what happens to texts that do not fit');
const precision = z
  .enum(['float32', 'int8', 'int4'])
  .default('float32')
  .describe('storage of the matrices of the judge');
const device = deviceSetting
  .optional()
  .meta({ description: 'where the judge computes', usual: '`device` of the run' });

/** The kinds of rewards: an entry of the list has the settings of exactly one of them. */
const kinds = {
  judge: z
    .strictObject({
      ...{ model, adapter },
      against: z
        .enum(['greedy', 'answer', 'group'])
        .default('greedy')
        .describe('what a response is compared with: the greedy one, the answer of its record, the others'),
      judgePrompt: text.optional().meta({
        description: `judging prompt: ${judgePrompts.map(({ id }) => `\`${id}\``).join(', ')} or a file`,
        usual: 'of the model',
      }),
      ...{ overlong, precision, device },
    })
    .describe('a generative judge: the probability that a response is preferred'),
  scorer: z
    .strictObject({ model, adapter, overlong, precision, device })
    .describe('a model with a score head'),
  remote: z
    .strictObject({
      url: text.describe('address of the server, for `openrlhf` and `json` that of the reward'),
      form: z.enum(remoteForms).default('gram').describe('form of the requests, see `remoteReward`'),
      against: z
        .enum(remoteReferences)
        .default('greedy')
        .describe('as `judge.against`, for `gram` and `json`'),
      model: text.optional().meta({ description: 'model to name in requests', usual: 'none' }),
      apiKeyVariable: text.optional().meta({
        description: 'environment variable with the key',
        usual: '`GRAM_API_KEY` for `gram`, else none',
      }),
      concurrency: count.default(8).describe('prompts that are asked about at a time'),
    })
    .describe('a server'),
  module: text.optional().meta({
    description: 'JavaScript or TypeScript file whose default export is a reward function',
    usual: 'none',
  }),
  length: z
    .strictObject({
      unit: z.enum(lengthUnits).default('tokens').describe('what is counted'),
      min: z
        .int()
        .min(0)
        .optional()
        .meta({ description: 'shortest length without a penalty', usual: 'none' }),
      max: count.optional().meta({ description: 'longest length without a penalty', usual: 'none' }),
      buffer: z.int().min(0).default(0).describe('length beyond a bound at which the penalty is whole'),
    })
    .describe('the length: as it is, or 0 within bounds and down to -1 beyond'),
  pattern: z
    .strictObject({
      match: text.describe('regular expression'),
      flags: z.string().default('').describe('flags of it: `i`, `m`, `s`, `u`'),
    })
    .describe('1 where a regular expression finds something, else 0'),
  format: z
    .strictObject({
      json: z.literal(true).optional().meta({ description: 'JSON', usual: 'none' }),
      tags: z
        .array(text)
        .optional()
        .meta({ description: 'parts between these tags, in order', usual: 'none' }),
    })
    .describe('1 for a response of a form, else 0'),
};

const kindNames = Object.keys(kinds) as readonly (keyof typeof kinds)[]; // `Object.keys` forgets which keys an object has.

const reward = z
  .strictObject({
    name: text.describe('name in records, charts and errors'),
    weight: z.number().default(1).describe('factor in the sum; 0 makes it a monitor'),
    ...kinds,
    judge: kinds.judge.optional(),
    scorer: kinds.scorer.optional(),
    remote: kinds.remote.optional(),
    length: kinds.length.optional(),
    pattern: kinds.pattern.optional(),
    format: kinds.format.optional(),
    onFailure: z
      .enum(['stop', 'mask'])
      .default('stop')
      .describe('when it fails for good: the run stops, or the response is not learned from'),
    retries: z.int().min(0).max(100).optional().meta({
      description: 'repetitions of a call that failed',
      usual: '4 for `remote`, else 0',
    }),
    timeout: seconds
      .optional()
      .meta({ description: 'seconds for one call', usual: '60 for `remote`, else none' }),
    deadline: seconds.optional().meta({
      description: 'seconds for the responses to a prompt, with all repetitions',
      usual: '180 for `remote`, else none',
    }),
  })
  .superRefine((entry, context) => {
    const refuse = (path: string[], message: string) => context.addIssue({ code: 'custom', path, message });
    const given = kindNames.filter((name) => entry[name] !== undefined);
    if (given.length !== 1) {
      const found = given.length === 0 ? 'none' : given.join(' and ');
      refuse([], `has ${found} of ${kindNames.join(', ')}, and needs one`);
    }
    const { remote } = entry;
    if (remote !== undefined && remote.against !== 'greedy' && !comparingForms.includes(remote.form)) {
      refuse(
        ['remote', 'against'],
        `is ${remote.against}, and requests of the form ${remote.form} do not say what to compare with`,
      );
    }
    for (const kind of ['judge', 'scorer'] as const) {
      const source = entry[kind];
      if (source === undefined) continue;
      if ((source.model === undefined) === (source.adapter === undefined)) {
        refuse([kind], 'needs either model or adapter, and not both');
      }
      if (source.adapter === undefined) continue;
      if (source.precision !== 'float32') {
        refuse(
          [kind, 'precision'],
          'belongs to a model of its own: an adapter shares the float32 weights of the policy',
        );
      }
    }
  });

const { advantages: _, objective: __, optimizer: ___, ...options } = optionFields.shape;

const policyModel = {
  model: text.describe('model to start from: a directory, a GGUF file or a repository of the hub'),
  chat: z
    .enum(['template', plainChat.id])
    .optional()
    .meta({ description: 'how turns are marked', usual: 'of the model; else its template' }),
};

/** Settings of how a policy answers prompts, and of the rewards that say what its responses are worth. */
const answering = {
  maxLength: count
    .optional()
    .meta({ description: 'longest prompt with its response, in tokens', usual: 'of the model' }),
  overlong: z
    .enum(['error', 'truncate', 'drop'])
    .default('error')
    .describe('what happens to a prompt that leaves no room for a response'),
  stop: z
    .array(text)
    .default([])
    .describe('texts that end a response, beside the end tokens of the model; they stay a part of it'),
};

/** All settings of a run of RLHF. A setting's schema is the only place that says its type, default, range and meaning. */
export const root = z.strictObject({
  policy: z.strictObject({
    ...policyModel,
    lora: loraSettings
      .omit({ dropout: true })
      .optional()
      .describe(
        'trains a low-rank adapter (LoRA) over the model, which is in memory once for all that share it',
      ),
  }),
  value: z
    .enum(['own', 'policy'])
    .default('own')
    .describe(
      'decoder under the value head of `ppo`: one of its own, or that of the policy, which costs no memory',
    ),
  referenceModel: text.optional().meta({
    description: 'model that the KL is measured to, of the architecture of the policy',
    usual: '`policy.model`',
  }),
  prompts,
  validation: validation.optional(),
  rewards: z.array(reward).min(1),
  heldOut: text.optional().meta({
    description:
      'name of a reward of weight 0 that is measured on validation prompts only and chooses the best policy',
    usual: 'the sum of the rewards chooses',
  }),
  ...answering,
  ...options,
  optimizer: updateRuleSettings.prefault({}),
  device: deviceSetting
    .default('cpu')
    .describe(
      'where policy, reference and value model compute; `auto` takes a GPU that is twice as fast as the CPU',
    ),
  precision: z
    .enum(['float32', 'tf32', 'bfloat16'])
    .default('float32')
    .describe('precision of matrix products; all else is float32'),
  keepCheckpoints: count.default(2).describe('number of newest checkpoints that stay, beside the best one'),
  output: text.describe('directory of the model, checkpoints, metrics and report'),
});

/** The keys of each mapping of a configuration, by its path. */
export const rlhfKeys = keysOf(root.shape);

/** All settings of a configuration in their order, as their schemas describe them. */
export const rlhfReference = () => settingsOf(root.shape);

type Root = z.output<typeof root>;

/** A run of RLHF with its defaults filled in and its paths made absolute. */
export type RlhfConfig = Root;

/** One reward of a configuration. */
export type RewardConfig = Root['rewards'][number];

/** The options of the algorithm in a configuration, but the method and the update rule. */
export function algorithmOptions(config: RlhfConfig): Pick<RlhfConfig, keyof typeof options> {
  const own = Object.keys(options) as (keyof typeof options)[]; // `Object.keys` forgets which keys an object has.
  return Object.fromEntries(own.map((name) => [name, config[name]])) as ReturnType<typeof algorithmOptions>;
}

type Refuse = (path: readonly PropertyKey[], message: string) => void;

/** Checks that the rewards of a list agree with each other. */
function checkNames(rewards: readonly RewardConfig[], refuse: Refuse): void {
  const names = rewards.map(({ name }) => name);
  const again = names.findIndex((name, place) => names.indexOf(name) < place);
  if (again >= 0) refuse(['rewards', again, 'name'], `is ${names[again]}, as that of another reward`);
  if (rewards.every(({ weight }) => weight === 0)) {
    refuse(['rewards'], 'are all of weight 0, and none is left to learn from or to choose by');
  }
}

/** The settings of a configuration and what must hold between them. */
export const rlhfSchema: z.ZodType<RlhfConfig> = root.superRefine((config, context) => {
  const refuse: Refuse = (path, message) => context.addIssue({ code: 'custom', path: [...path], message });
  checkUpdateRule(config.optimizer, refuse);
  checkNames(config.rewards, refuse);
  if (config.referenceModel !== undefined && config.reference === 'none') {
    refuse(['referenceModel'], 'is given, and reference says that there is none');
  }
  const { heldOut } = config;
  if (heldOut === undefined) return;
  if (config.validation === undefined) {
    refuse(['heldOut'], `is ${heldOut}, which is measured on validation prompts, and there are none`);
  }
  const found = config.rewards.find(({ name }) => name === heldOut);
  if (found === undefined) refuse(['heldOut'], `is ${heldOut}, and no reward has this name`);
  else if (found.weight !== 0)
    refuse(['heldOut'], `is ${heldOut}, which the policy learns from: set its weight to 0`);
});

const { maxNewTokens, sampling, maxFailedShare, seed } = optionFields.shape;

/** All settings of a choice among responses. */
const bestOfN = z.strictObject({
  policy: z.strictObject(policyModel),
  prompts,
  rewards: root.shape.rewards,
  samples: count.default(16).describe('responses to each prompt, of which the best is chosen'),
  ...answering,
  ...{ maxNewTokens, sampling },
  batchSize: count.default(16).describe('prompts that are answered together'),
  ...{ maxFailedShare, seed },
  device: root.shape.device,
  output: text.describe('directory of the chosen responses, all scores and the report'),
});

/** The keys of each mapping of a configuration of best-of-n, by its path. */
export const bestOfNKeys = keysOf(bestOfN.shape);

/** All settings of a configuration of best-of-n in their order. */
export const bestOfNReference = () => settingsOf(bestOfN.shape);

/** A choice among responses with its defaults filled in and its paths made absolute. */
export type BestOfNConfig = z.output<typeof bestOfN>;

/** The settings of a choice among responses and what must hold between them. */
export const bestOfNSchema: z.ZodType<BestOfNConfig> = bestOfN.superRefine(({ rewards }, context) => {
  checkNames(rewards, (path, message) => context.addIssue({ code: 'custom', path: [...path], message }));
});
