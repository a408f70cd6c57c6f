import type { DeviceName, Precision } from '@gram/engine';
import type { Adapter, Companions, GramMetadata, ModelConfig, Weights } from '@gram/model';
import type { ConductOptions, Fingerprint, WatchServer } from '@gram/run';
import type { ChatEncoder, Tokenizer } from '@gram/tokenize';
import type { Communicator } from '@gram/train';
import type { RatioSummary } from '../advantages/importance.js';
import type { PpoOptions, PpoOptionsInput } from '../options.js';
import type { NamedReward } from '../rewards/named-reward.js';
import type { RewardFunction } from '../rewards/reward.js';
import type { RunPrompt, StopConditions } from '../rollout/run-prompt.js';

/** A model with its architecture. */
export interface ModelParts {
  readonly config: ModelConfig;
  readonly weights: Weights;
  /**
   * A low-rank adapter that is trained in the place of the weights, which stay as they are. That of a policy has to be new, as
   * `initAdapter` makes it: the weights are the policy at the start.
   * @default none: the weights are trained
   */
  readonly adapter?: Adapter;
}

/** A value model, see `valueModelFrom`. */
export interface ValueModel extends ModelParts {
  /** Whether its decoder is that of the policy, array by array. It then changes as the policy learns, and the head alone is trained here. @default false */
  readonly sharesPolicy?: boolean;
}

/** Precision of a run's matrix products: `float16` would need a scaled loss. */
export type PpoPrecision = Exclude<Precision, 'float16'>;

/** Arguments of `ppo`: who learns, from which prompts, for which reward. */
export interface PpoRun {
  /** The policy after supervised fine-tuning. Its weights, or those of its adapter, are trained in place. */
  readonly policy: ModelParts & { readonly gram: Pick<GramMetadata, 'chat' | 'maxLength' | 'encoding'> };
  /**
   * The model that the KL is measured to, of the architecture of the policy; it is not changed.
   * @default a copy of the policy's first weights, or the policy without its adapter
   */
  readonly reference?: Omit<ModelParts, 'adapter'>;
  /** Value model for `gae`, trained in place; see `valueModelFrom`. */
  readonly value?: ValueModel;
  readonly tokenizer: Tokenizer;
  readonly encoder: Pick<ChatEncoder, 'prompt' | 'endId'>;
  readonly prompts: readonly RunPrompt[];
  /**
   * Prompts on which the policy is scored during the run; none of them should be among `prompts`.
   * @default none: the newest policy is taken for the best one
   */
  readonly validation?: readonly RunPrompt[];
  /** The reward, or several with names and weights. */
  readonly reward: RewardFunction | readonly NamedReward[];
  /** A reward that the policy is not trained for, on validation prompts only. Where given, it decides which policy is the best. */
  readonly heldOut?: RewardFunction | NamedReward;
  /** Ends of a response, beside the token that ends a turn. @default none */
  readonly stop?: StopConditions;
  readonly options: PpoOptionsInput;
  /**
   * Device of policy, reference, value model and generation. The weights of the run are brought from it when a checkpoint needs them,
   * with each best policy, and at the end. @default 'cpu'
   */
  readonly device?: DeviceName | 'auto';
  /** Precision of matrix products, where the device has it; weights, gradients and moments are float32. @default 'float32' */
  readonly precision?: PpoPrecision;
  /**
   * Ranks that share the work, each of which makes this call with the same run; each asks the rewards about the responses to its own
   * prompts. The weights are those of rank 0, which alone writes, and calls `onStep`, `onEvaluation`, `onNote` and `onProgress`.
   * @default singleProcess
   */
  readonly communicator?: Communicator;
  /** Directory of the run: checkpoints, records, the page of the run and the best policy. @default nothing is written */
  readonly output?: string;
  /** Resumes from the newest checkpoint in `output`, or begins where there is none; a path is that of a checkpoint. @default false */
  readonly resume?: boolean | string;
  /** Files that stand beside the weights of the policy, such as its chat template, and are saved with it. @default `tokenizer.json` */
  readonly files?: Companions;
  /** Hashes of what else identifies the run, such as its rewards: only a run with the same ones is resumed. @default none */
  readonly identity?: Fingerprint;
  /** Number of the newest checkpoints that stay beside the best one. @default 2 */
  readonly keepCheckpoints?: number;
  /** Name of the model under an adapter, for the files of PEFT. @default none */
  readonly baseModel?: string;
  /** Versions that the model card names, by program. @default that of Node.js */
  readonly versions?: Readonly<Record<string, string>>;
  /** Serves a page that follows the run; needs an `output`. @default none */
  readonly watch?: WatchServer;
  /** Called after each step, and after each score on the validation prompts. */
  readonly onStep?: (record: PpoStepRecord, options: PpoOptions) => void | Promise<void>;
  readonly onEvaluation?: (record: PpoEvaluation) => void | Promise<void>;
  /** Is called with each line that is worth telling, such as the path of a checkpoint. */
  readonly onNote?: (text: string) => void;
  /** Is called after each step with what a progress line shows of it; needs an `output`. */
  readonly onProgress?: ConductOptions['onProgress'];
  readonly signal?: AbortSignal;
}

/** Log record of one step. Means are over responses, KL in nats a response. */
export interface PpoStepRecord {
  readonly step: number;
  /** Mean raw reward of the responses that have one; absent where none has. */
  readonly score?: number;
  /** Mean of each reward by its name, over the responses that have it. */
  readonly rewards: Readonly<Record<string, number>>;
  /** Number of responses without a reward, which are not learned from. */
  readonly unrewarded: number;
  /** Number of these for which a reward function failed. */
  readonly failed: number;
  /** Number of calls of reward functions that failed, whether or not a repetition succeeded. */
  readonly failedCalls: number;
  /** Share of prompts whose responses have different rewards; with several responses to each. */
  readonly varied?: number;
  /** Mean KL to the reference over the responses that were learned from, by the run's estimator; absent without a reference. */
  readonly kl?: number;
  /** Weight of the KL in this step, where it is adapted. */
  readonly klWeight?: number;
  /** Ratios of the policy to the rounded one that drew the tokens; with a `rolloutPrecision` other than `float32`. */
  readonly importance?: RatioSummary;
  /**
   * Number of responses that were kept out of the loss: those without a reward, those that are alone with one among the responses to
   * their prompt, and those without an end token where these are masked.
   */
  readonly excluded: number;
  /** Batches of prompts that were drawn; with dynamic sampling. */
  readonly rounds?: number;
  /** Number of responses of which the reward function read cut text: in them, in the prompt or in what they were compared with. */
  readonly truncated: number;
  /** Number of responses of which the reward function read escaped text. */
  readonly neutralized: number;
  /** Number of prompts that were cut to fit the policy. */
  readonly truncatedPrompts: number;
  /** Number of prompts that spell control tokens, which the policy read as ordinary text. */
  readonly neutralizedPrompts: number;
  /** Tokens of the responses. */
  readonly tokens: number;
  /** Mean number of tokens of a response. */
  readonly length: number;
  /** Share of responses that ended by themselves. */
  readonly ended: number;
  /** Mean loss of the policy's gradient steps; absent while the value model warms up, and where all rewards are equal. */
  readonly policyLoss?: number;
  /** Mean loss of the value model's gradient steps. */
  readonly valueLoss?: number;
  /** Mean of old - new log-probability over the policy's gradient steps. */
  readonly approxKl?: number;
  /** Share of tokens without a gradient over the policy's gradient steps. */
  readonly clipped?: number;
  /** Share of pairs that the policy decides as the rewards do, beyond its reference; for the objective `preference`. */
  readonly accuracy?: number;
  /** Mean entropy of the next token over the policy's gradient steps, in nats. */
  readonly entropy?: number;
  /** Learning rate of the policy's gradient steps. */
  readonly learningRate?: number;
  /** Number of gradient steps, of both models, that were skipped because a number was not finite. */
  readonly skipped: number;
}

/** Log record of a score on the validation prompts: one response to each, drawn with the same random numbers every time. */
export interface PpoEvaluation {
  /** Steps done; 0 stands for the policy that the run began with. */
  readonly step: number;
  /** Mean reward against the greedy responses of the first policy. */
  readonly reward: number;
  /** Mean of each reward by its name. */
  readonly rewards: Readonly<Record<string, number>>;
  readonly heldOut?: number;
  /** Number of responses without a reward, which the means leave out. */
  readonly unrewarded: number;
  /** Number of responses of which a reward function read cut text. */
  readonly truncated: number;
  /** Number of responses of which a reward function read escaped text. */
  readonly neutralized: number;
  /** Mean exact KL to the reference along the responses, in nats a response; absent without a reference. */
  readonly kl?: number;
  /** Whether the policy is the best so far, by `heldOut` where there is one, else by `reward`. */
  readonly best: boolean;
}

/** Reason why a run ended. */
export type StopReason = 'steps' | 'kl' | 'patience';

/** Result of a run. The policy's weights, or those of its adapter, are those of the last step. */
export interface PpoResult {
  readonly stopped: StopReason;
  readonly steps: readonly PpoStepRecord[];
  readonly evaluations: readonly PpoEvaluation[];
  /** The best policy by the validation prompts, or the newest one without any: its weights, or those of its adapter where that was trained. */
  readonly best: { readonly step: number; readonly weights: Weights };
  /** The model that the KL was measured to; absent without a reference. */
  readonly reference?: Weights;
}
