"""Longer contexts: scalings of the rotary embedding and windows, with the numbers that Hugging Face transformers computes.

    pip install torch 'transformers>=5' safetensors
    python packages/model/tools/make-context-fixtures.py

Writes to src/decoder/__fixtures__/contexts: weights.safetensors, from which each model takes those that it has, and cases.json
with the config.json of each model, all logits of one sequence, those after its beginnings alone, the loss of some positions with
gradients, and greedy tokens. The sequence is longer than the original context and than the windows.
"""

import json
from pathlib import Path

import torch
from safetensors.torch import save_file
from transformers import AutoConfig, AutoModelForCausalLM

OUT = Path(__file__).resolve().parent.parent / "src" / "decoder" / "__fixtures__" / "contexts"
SIZES = dict(
    vocab_size=32,
    hidden_size=16,
    intermediate_size=24,
    num_hidden_layers=3,
    num_attention_heads=2,
    num_key_value_heads=1,
    head_dim=8,
    max_position_embeddings=64,
    rms_norm_eps=1e-5,
    initializer_range=0.3,
    bos_token_id=1,
    eos_token_id=None,
    pad_token_id=0,
    tie_word_embeddings=True,
    attn_implementation="eager",
)
LENGTH, PROMPT, NEW = 40, 12, 20
BEGINNINGS = [9, 16, 23, LENGTH]
GRADIENTS = ["model.layers.0.self_attn.q_proj.weight", "model.layers.1.self_attn.k_proj.weight"]


def rope(**parameters):
    return dict(rope_parameters=dict(rope_theta=100.0, **parameters))


YARN = dict(rope_type="yarn", factor=4.0, original_max_position_embeddings=16)
CASES = {
    "linear": ("llama", dict(max_position_embeddings=16, **rope(rope_type="linear", factor=4.0))),
    "dynamic": ("llama", dict(max_position_embeddings=16, **rope(rope_type="dynamic", factor=2.0))),
    "yarn": ("llama", rope(**YARN)),
    "yarn, every field": (
        "qwen2",
        rope(**YARN, beta_fast=4.0, beta_slow=0.5, mscale=1.5, mscale_all_dim=0.5, truncate=False),
    ),
    "yarn, factor on attention": ("qwen3", rope(**YARN, attention_factor=1.3)),
    "windows in all layers": ("mistral", dict(sliding_window=8)),
    "windows in the last layers": (
        "qwen2",
        dict(use_sliding_window=True, sliding_window=8, max_window_layers=1),
    ),
    "windows in some layers": (
        "qwen3",
        dict(
            use_sliding_window=True,
            sliding_window=6,
            layer_types=["sliding_attention", "full_attention", "sliding_attention"],
        ),
    ),
    "windows and yarn": (
        "qwen2",
        dict(use_sliding_window=True, sliding_window=8, max_window_layers=2, **rope(**YARN)),
    ),
}


def flat(tensor):
    return [float(f"{value:.7g}") for value in tensor.detach().flatten().tolist()]


def config_of(model_type, changes):
    return AutoConfig.for_model(model_type, **{**SIZES, **changes})


def all_weights():
    """The weights of all families: norms around one, biases that matter."""
    torch.manual_seed(0)
    weights = {}
    for model_type in ["qwen2", "qwen3"]:
        for name, tensor in AutoModelForCausalLM.from_config(config_of(model_type, {})).state_dict().items():
            if name == "lm_head.weight" or name in weights:
                continue
            if "norm" in name:
                tensor = torch.rand_like(tensor) + 0.5
            elif name.endswith("bias"):
                tensor = torch.rand_like(tensor) - 0.5
            weights[name] = tensor.contiguous()
    return weights


def make(weights, model_type, changes):
    config = config_of(model_type, changes)

    def model():
        # A new one for each pass: the rotary embedding remembers the longest sequence.
        fresh = AutoModelForCausalLM.from_config(config, attn_implementation="eager").float().eval()
        state = {name: tensor for name, tensor in weights.items() if name in fresh.state_dict()}
        missing = fresh.load_state_dict(state, strict=False).missing_keys
        assert missing in ([], ["lm_head.weight"]), missing
        fresh.tie_weights()
        return fresh

    whole = model()
    logits = whole(tokens).logits
    positions, targets = torch.tensor([5, 17, 30, 38]), torch.tensor([7, 0, 31, 2])
    loss = torch.nn.functional.cross_entropy(logits[0, positions], targets)
    loss.backward()
    parameters = dict(whole.named_parameters())
    saved = json.loads(config.to_json_string())
    saved["architectures"] = [type(whole).__name__]
    greedy = model().generate(tokens[:, :PROMPT], max_new_tokens=NEW, do_sample=False, eos_token_id=None)
    return dict(
        config=saved,
        logits=flat(logits),
        beginnings={length: flat(model()(tokens[:, :length]).logits[0, -1]) for length in BEGINNINGS},
        positions=positions.tolist(),
        targets=targets.tolist(),
        loss=loss.item(),
        gradients={name: flat(parameters[name].grad) for name in GRADIENTS},
        greedy=greedy[0, PROMPT:].tolist(),
    )


torch.manual_seed(1)
tokens = torch.randint(2, SIZES["vocab_size"], (1, LENGTH))
weights = all_weights()
save_file(weights, OUT / "weights.safetensors")
cases = {name: make(weights, *case) for name, case in CASES.items()}
(OUT / "cases.json").write_text(json.dumps(dict(tokens=tokens[0].tolist(), prompt=PROMPT, cases=cases)) + "\n")
