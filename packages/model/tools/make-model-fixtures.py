"""Tiny random models of each family and feature, with the numbers that Hugging Face transformers computes for them.

    pip install torch transformers safetensors
    python packages/model/tools/make-model-fixtures.py

Writes one directory for each variant to packages/model/src/__fixtures__: the model as transformers
saves it, and expected.json with tokens, logits, states after each layer, 32 greedy tokens, and the loss
over chosen positions with its gradients.
"""

import json
import shutil
from pathlib import Path

import torch
from transformers import AutoConfig, AutoModelForCausalLM, AutoModelForSequenceClassification

OUT = Path(__file__).resolve().parent.parent / "src" / "__fixtures__"
VOCAB = 40
ROPE = dict(
    rope_type="llama3",
    rope_theta=1000.0,
    factor=4.0,
    low_freq_factor=1.0,
    high_freq_factor=4.0,
    original_max_position_embeddings=16,
)
TIED = dict(tie_word_embeddings=True, num_key_value_heads=2)
VARIANTS = {
    "llama-tied-grouped": ("llama", TIED),
    "llama-untied-ungrouped": ("llama", dict(tie_word_embeddings=False, num_key_value_heads=4)),
    "llama-rope-scaled": ("llama", dict(rope_parameters=ROPE, **TIED)),
    "llama-biased": ("llama", dict(attention_bias=True, mlp_bias=True, head_dim=16, **TIED)),
    "mistral": ("mistral", dict(tie_word_embeddings=False, num_key_value_heads=2, sliding_window=None)),
    "qwen2": ("qwen2", TIED),
    "qwen3": ("qwen3", dict(tie_word_embeddings=True, num_key_value_heads=2, head_dim=16)),
    "qwen3-sharded-bf16": ("qwen3", dict(tie_word_embeddings=False, num_key_value_heads=2, head_dim=16)),
}
REWARD = {
    "llama-reward": ("llama", dict(num_key_value_heads=2)),
    "qwen3-reward": ("qwen3", dict(num_key_value_heads=2, head_dim=16)),
}


def build(auto, kind, changes):
    torch.manual_seed(0)
    config = AutoConfig.for_model(
        kind,
        vocab_size=VOCAB,
        hidden_size=32,
        intermediate_size=48,
        num_hidden_layers=2,
        num_attention_heads=4,
        max_position_embeddings=64,
        rms_norm_eps=1e-5,
        initializer_range=0.3,
        bos_token_id=1,
        eos_token_id=None,
        pad_token_id=0,
        attn_implementation="eager",
        **changes,
    )
    model = auto.from_config(config).float().eval()
    for name, parameter in model.named_parameters():
        if "norm" in name:
            torch.nn.init.uniform_(parameter, 0.5, 1.5)
        elif name.endswith("bias"):
            torch.nn.init.uniform_(parameter, -1, 1)
    return model


def flat(tensor):
    return [float(f"{value:.8g}") for value in tensor.detach().flatten().tolist()]


def save(model, directory, **options):
    shutil.rmtree(directory, ignore_errors=True)
    model.save_pretrained(directory, **options)
    (directory / "generation_config.json").unlink(missing_ok=True)


torch.manual_seed(1)
# Longer than the original context of the scaled rotary embedding.
tokens = torch.randint(1, VOCAB, (2, 28))

for name, (kind, changes) in VARIANTS.items():
    model = build(AutoModelForCausalLM, kind, changes)
    directory = OUT / name
    if "bf16" in name:
        save(model.to(torch.bfloat16), directory, max_shard_size="12KB")
        # The numbers are those of the rounded weights in float32 arithmetic, tables of rotations included.
        model = AutoModelForCausalLM.from_pretrained(directory, dtype=torch.float32, attn_implementation="eager")
    else:
        save(model, directory)
    out = model(tokens, output_hidden_states=True)
    positions, targets = torch.tensor([1, 4, 12, 40, 55]), torch.tensor([7, 0, 33, 2, 9])
    loss = torch.nn.functional.cross_entropy(out.logits.reshape(-1, VOCAB)[positions], targets)
    loss.backward()
    shown = ["model.embed_tokens.weight", "model.norm.weight"] + [
        key
        for key, _ in model.named_parameters()
        if key.startswith("model.layers.0.") and ("k_proj" in key or "down_proj" in key or "_norm" in key or "bias" in key)
    ]
    parameters = dict(model.named_parameters())
    greedy = model.generate(tokens[:1, :6], max_new_tokens=32, do_sample=False, eos_token_id=None)[0, 6:]
    expected = dict(
        tokens=tokens.tolist(),
        logits=flat(out.logits),
        # The last of transformers' hidden states is normalised; the logits cover it.
        states=[flat(states) for states in out.hidden_states[:-1]],
        greedy=greedy.tolist(),
        positions=positions.tolist(),
        targets=targets.tolist(),
        loss=loss.item(),
        gradients={key: flat(parameters[key].grad) for key in shown},
    )
    (directory / "expected.json").write_text(json.dumps(expected))

for name, (kind, changes) in REWARD.items():
    model = build(AutoModelForSequenceClassification, kind, dict(num_labels=1, **changes))
    save(model, OUT / name)
    expected = dict(tokens=tokens.tolist(), values=flat(model(tokens).logits))
    (OUT / name / "expected.json").write_text(json.dumps(expected))
