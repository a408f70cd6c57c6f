"""Tiny random Llama models with the numbers that Hugging Face transformers computes for them.

    pip install torch transformers safetensors
    python packages/model/tools/make-llama-fixtures.py

Writes one directory for each variant to packages/model/src/__fixtures__: the model as transformers
saves it, and expected.json with tokens, logits, the loss over chosen positions and some gradients.
"""

import json
from pathlib import Path

import torch
from transformers import LlamaConfig, LlamaForCausalLM, LlamaForSequenceClassification

OUT = Path(__file__).resolve().parent.parent / "src" / "__fixtures__"
VARIANTS = {
    "llama-tied-grouped": dict(tie_word_embeddings=True, num_key_value_heads=2),
    "llama-untied-ungrouped": dict(tie_word_embeddings=False, num_key_value_heads=4),
}


def build(cls, **changes):
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=40,
        hidden_size=32,
        intermediate_size=48,
        num_hidden_layers=2,
        num_attention_heads=4,
        max_position_embeddings=64,
        rms_norm_eps=1e-5,
        initializer_range=0.3,
        pad_token_id=0,
        **changes,
    )
    model = cls(config).float().eval()
    for name, parameter in model.named_parameters():
        if "norm" in name:
            torch.nn.init.uniform_(parameter, 0.5, 1.5)
    return model


def flat(tensor):
    return [float(f"{value:.8g}") for value in tensor.detach().flatten().tolist()]


tokens = torch.tensor([[5, 17, 3, 39, 8, 8, 21, 1, 30], [2, 4, 6, 8, 10, 12, 14, 16, 18]])

for name, changes in VARIANTS.items():
    model = build(LlamaForCausalLM, **changes)
    logits = model(tokens).logits
    positions, targets = torch.tensor([1, 4, 12]), torch.tensor([7, 0, 33])
    loss = torch.nn.functional.cross_entropy(logits.reshape(-1, 40)[positions], targets)
    loss.backward()
    gradients = {
        key: flat(dict(model.named_parameters())[key].grad)
        for key in ("model.embed_tokens.weight", "model.layers.0.self_attn.k_proj.weight", "model.norm.weight")
    }
    directory = OUT / name
    model.save_pretrained(directory)
    (directory / "generation_config.json").unlink(missing_ok=True)
    expected = dict(
        tokens=tokens.tolist(),
        logits=flat(logits),
        positions=positions.tolist(),
        targets=targets.tolist(),
        loss=loss.item(),
        gradients=gradients,
    )
    (directory / "expected.json").write_text(json.dumps(expected))

model = build(LlamaForSequenceClassification, num_labels=1, num_key_value_heads=2)
directory = OUT / "llama-reward"
model.save_pretrained(directory)
expected = dict(tokens=tokens.tolist(), values=flat(model(tokens).logits))
(directory / "expected.json").write_text(json.dumps(expected))
