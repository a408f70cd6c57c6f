import { quote } from '@gram/base';

/** Fields whose names speak of the computation, and which change no number whatever their value: they are about training and speed. */
const INERT = [
  /dropout|pdrop|drop_path/,
  /att(n|ention)_implementation|flash_attn|flash_attention|output_attentions|sdpa|transformers\.js/,
  /^(pretraining_tp|rescale_gradients|scale_gradients|num_logits_to_keep|logits_to_keep)$/,
  // Searches and penalties of text generation.
  /^(num_beam_groups|encoder_no_repeat_ngram_size|repetition_penalty|length_penalty|renormalize_logits|forced_.*)$/,
  /^(chunk_size_feed_forward|layer_norm_fused|fused_.*|fuse_.*|.*_init|.*initializer.*|init_.*)$/,
];

/** Parts of names that speak of the computation. */
const COMPUTATION =
  /act_fn|activation|adapter|alibi|attention|attn|auto_map|bias|cap$|capping|embedding|expert|ffn|gate|head|layer|logit|lora|mask|mlp|moe|mrope|multiplier|norm|position|quant|qk_|residual|rope|rotary|scal(e|ing)|sparse|tying|window/i;

/** Whether a value stands for nothing. */
function isNeutral(name: string, value: unknown): boolean {
  if (value === null || value === false || value === '') return true;
  if (typeof value === 'object') return Object.keys(value).length === 0;
  if (value === 1) return /multiplier|scal(e|ing)|factor|group/i.test(name);
  return value === 0 && !/multiplier|scal(e|ing)|factor/i.test(name);
}

/**
 * Finds the first of the fields that no family reads and that may change what the model computes: its name speaks of the
 * computation, and its value is not one that stands for nothing. transformers ignores all fields that a family does not have, so
 * whatever else is there is a note.
 *
 * @returns a description of the problem, undefined where all fields pass
 */
export function computingField(fields: Readonly<Record<string, unknown>>): string | undefined {
  for (const [name, value] of Object.entries(fields)) {
    if (!COMPUTATION.test(name) || INERT.some((pattern) => pattern.test(name))) continue;
    if (isNeutral(name, value)) continue;
    return `${quote(name)} is not supported with the value ${quote(JSON.stringify(value))}`;
  }
  return undefined;
}
