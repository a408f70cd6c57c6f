"""Tiny random models of each family and feature, with the numbers that Hugging Face transformers computes for them.

    pip install torch transformers safetensors
    python packages/model/tools/make-model-fixtures.py [NAME ...]

Each directory of packages/model/src/__fixtures__ with a variant.json is one model: `model_type`, `changes` to the
configuration below, and perhaps `head: "score"`, `max_shard_size` (then the weights are bfloat16) and `gradients`, parts of
further names in the first layer. Writes the model there as transformers saves it, and expected.json with tokens, logits,
states after each layer, 32 greedy tokens, and the loss over chosen positions with its gradients; for a model that scores,
the scores, and those of beginnings of the first sequence, alone and padded side by side. Without names it makes all of them
again.
"""

import json
import sys
from pathlib import Path

import torch
from transformers import AutoConfig, AutoModelForCausalLM, AutoModelForSequenceClassification

OUT = Path(__file__).resolve().parent.parent / "src" / "__fixtures__"
VOCAB = 40
SIZES = dict(
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
)
BEGINNINGS = [1, 6, 13, 20, 28]


def build(auto, variant, **more):
    torch.manual_seed(0)
    config = AutoConfig.for_model(variant["model_type"], **{**SIZES, **more, **variant["changes"]})
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
    for old in directory.glob("*.safetensors*"):
        old.unlink()
    model.save_pretrained(directory, **options)
    (directory / "generation_config.json").unlink(missing_ok=True)


def causal(directory, variant):
    model = build(AutoModelForCausalLM, variant)
    if "max_shard_size" in variant:
        save(model.to(torch.bfloat16), directory, max_shard_size=variant["max_shard_size"])
        # The numbers are those of the rounded weights in float32 arithmetic, tables of rotations included.
        model = AutoModelForCausalLM.from_pretrained(directory, dtype=torch.float32, attn_implementation="eager")
    else:
        save(model, directory)
    out = model(tokens, output_hidden_states=True)
    positions, targets = torch.tensor([1, 4, 12, 40, 55]), torch.tensor([7, 0, 33, 2, 9])
    loss = torch.nn.functional.cross_entropy(out.logits.reshape(-1, VOCAB)[positions], targets)
    loss.backward()
    parts = ["k_proj", "down_proj", "_norm", "bias", *variant.get("gradients", [])]
    shown = ["model.embed_tokens.weight", "model.norm.weight"] + [
        key
        for key, _ in model.named_parameters()
        if key.startswith("model.layers.0.") and any(part in key for part in parts)
    ]
    parameters = dict(model.named_parameters())
    greedy = model.generate(tokens[:1, :6], max_new_tokens=32, do_sample=False, eos_token_id=None)[0, 6:]
    return dict(
        tokens=tokens.tolist(),
        logits=flat(out.logits),
        # The last of transformers' hidden states is normalized; the logits cover it.
        states=[flat(states) for states in out.hidden_states[:-1]],
        greedy=greedy.tolist(),
        positions=positions.tolist(),
        targets=targets.tolist(),
        loss=loss.item(),
        gradients={key: flat(parameters[key].grad) for key in shown},
    )


def score(directory, variant):
    model = build(AutoModelForSequenceClassification, variant, num_labels=1)
    save(model, directory)
    return scores(model)


@torch.no_grad()
def scores(model):
    alone = {length: flat(model(tokens[:1, :length]).logits)[0] for length in BEGINNINGS}
    padded, mask = torch.zeros(len(BEGINNINGS), max(BEGINNINGS), dtype=torch.long), torch.zeros(len(BEGINNINGS), max(BEGINNINGS))
    for row, length in enumerate(BEGINNINGS):
        padded[row, :length], mask[row, :length] = tokens[0, :length], 1
    together = flat(model(padded, attention_mask=mask).logits)
    assert max(abs(a - b) for a, b in zip(alone.values(), together)) < 1e-5
    return dict(tokens=tokens.tolist(), values=flat(model(tokens).logits), beginnings=alone)


torch.manual_seed(1)
# Longer than the original context of the scaled rotary embedding.
tokens = torch.randint(1, VOCAB, (2, 28))

for path in sorted(OUT.glob("*/variant.json")):
    if sys.argv[1:] and path.parent.name not in sys.argv[1:]:
        continue
    variant = json.loads(path.read_text())
    make = score if variant.get("head") == "score" else causal
    (path.parent / "expected.json").write_text(json.dumps(make(path.parent, variant)))
