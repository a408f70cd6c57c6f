"""Distributions that Hugging Face transformers samples from, on random logits.

    pip install torch transformers
    python packages/model/tools/make-sampling-fixtures.py

Writes packages/model/src/generation/__fixtures__/sampling.json: rows of logits with the tokens seen before, and for
each decoding the probability of every token after transformers' own processors, in the order of `generate`.
"""

import json
from pathlib import Path

import torch
from transformers.generation.logits_process import (
    LogitsProcessorList,
    MinPLogitsWarper,
    RepetitionPenaltyLogitsProcessor,
    TemperatureLogitsWarper,
    TopKLogitsWarper,
    TopPLogitsWarper,
)

OUT = Path(__file__).resolve().parent.parent / "src" / "generation" / "__fixtures__" / "sampling.json"
VOCABULARY = 48
PROCESSORS = {
    "repetitionPenalty": RepetitionPenaltyLogitsProcessor,
    "temperature": TemperatureLogitsWarper,
    "topK": TopKLogitsWarper,
    "topP": TopPLogitsWarper,
    "minP": MinPLogitsWarper,
}
DECODINGS = [
    {"minP": 0.05},
    {"minP": 0.3, "temperature": 1.7},
    {"minP": 1.0},
    {"repetitionPenalty": 1.3},
    {"repetitionPenalty": 0.8, "temperature": 0.6},
    {"temperature": 0.7, "topK": 12, "topP": 0.9},
    {"temperature": 1.5, "topP": 0.95, "minP": 0.02},
    {"temperature": 2.0, "topK": 20, "minP": 0.1},
    {"repetitionPenalty": 1.2, "temperature": 0.8, "topK": 30, "topP": 0.85, "minP": 0.08},
]


def digits(values):
    return [float(f"{value:.9g}") for value in values]


def probabilities(logits, seen, decoding):
    processors = LogitsProcessorList(make(decoding[name]) for name, make in PROCESSORS.items() if name in decoding)
    return processors(seen, logits.clone()).double().softmax(-1)


torch.manual_seed(3)
rows = []
for spread in (1, 3, 6):
    logits = spread * torch.randn(1, VOCABULARY)
    # Some of them more than once, which counts once.
    seen = torch.randint(VOCABULARY, (1, 30))
    rows.append(
        {
            "logits": digits(logits[0].tolist()),
            "seen": seen[0].tolist(),
            "probabilities": [digits(probabilities(logits, seen, d)[0].tolist()) for d in DECODINGS],
        }
    )

OUT.parent.mkdir(exist_ok=True)
OUT.write_text(json.dumps({"decodings": DECODINGS, "rows": rows}) + "\n")
