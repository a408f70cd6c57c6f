"""Online DPO and best-of-n distillation on the responses of a step, written a second time and naively.

    pip install numpy torch
    python packages/ppo/tools/make-choice-fixtures.py

Writes packages/ppo/src/__fixtures__/choices.json. The model is a Llama whose layer adds nothing, because the matrices that write to the
residual stream are zeros: the next token depends on the last one alone, logits = W norm(e). The file there was made with
Python 3.11, numpy 2.4.6 and torch 2.15.0, in float64.

Sources: Rafailov et al., DPO (arXiv 2305.18290), equation 7; Guo et al., online DPO (2402.04792); Dong et al., RAFT (2304.06767).
"""

import json
from pathlib import Path

import numpy as np
import torch

OUT = Path(__file__).resolve().parent.parent / "src" / "__fixtures__" / "choices.json"

torch.set_default_dtype(torch.float64)
torch.set_num_threads(1)

VOCABULARY, WIDTH, EPSILON, BETA = 7, 4, 1e-6, 0.3

rng = np.random.default_rng(5)


def rounded(shape):
    """Normal numbers, rounded to multiples of 1/256, so that float32 holds them exactly."""
    return np.round(rng.standard_normal(shape) * 256) / 256


embedding = torch.tensor(rounded((VOCABULARY, WIDTH)))
head = torch.tensor(rounded((VOCABULARY, WIDTH)), requires_grad=True)
reference_head = torch.tensor(rounded((VOCABULARY, WIDTH)))


def token_log_probabilities(matrix, ids, start):
    """log p of each token from `start` on, given the one before it."""
    result = []
    for place in range(start, len(ids)):
        e = embedding[ids[place - 1]]
        normal = e / torch.sqrt(torch.mean(e * e) + EPSILON)
        result.append(torch.log_softmax(matrix @ normal, dim=0)[ids[place]])
    return torch.stack(result)


# For each prompt: the score of each response, None for no reward, and whether it is kept out of the loss.
SCORES = [
    [(0.5, False), (2.0, False), (-1.0, False)],
    [(None, False), (1.0, False), (3.0, False)],
    [(1.0, False), (1.0, False), (1.0, False)],
    [(4.0, True), (1.0, False), (0.0, False)],
    [(None, False), (None, False), (2.0, False)],
    [(2.0, False), (0.0, False), (2.0, False), (0.0, False)],
]

groups = []
for scores in SCORES:
    prompt = rng.integers(0, VOCABULARY, size=int(rng.integers(1, 4))).tolist()
    responses = []
    for score, masked in scores:
        response = rng.integers(0, VOCABULARY, size=int(rng.integers(1, 5))).tolist()
        ids = prompt + response
        reference = token_log_probabilities(reference_head, ids, len(prompt))
        responses.append(
            {
                "ids": ids,
                "lossFrom": len(prompt),
                "score": score,
                "isMasked": masked,
                "reference": reference.tolist(),
            }
        )
    groups.append(responses)

pairs, best = [], []
for responses in groups:
    usable = [i for i, r in enumerate(responses) if r["score"] is not None and not r["isMasked"]]
    if not usable:
        pairs.append(None)
        best.append(None)
        continue
    values = [responses[i]["score"] for i in usable]
    high = usable[values.index(max(values))]
    # The last drawn of equally bad ones.
    low = [i for i in usable if responses[i]["score"] == min(values)][-1]
    different = max(values) > min(values)
    pairs.append([high, low] if different else None)
    best.append(high if different else None)


def likelihood(matrix, response):
    return token_log_probabilities(matrix, response["ids"], response["lossFrom"]).sum()


losses = []
for responses, pair in zip(groups, pairs):
    if pair is None:
        continue
    chosen, rejected = (responses[i] for i in pair)
    margin = (likelihood(head, chosen) - likelihood(head, rejected)) - (
        likelihood(reference_head, chosen) - likelihood(reference_head, rejected)
    )
    losses.append(-torch.log(torch.sigmoid(BETA * margin)))
preference = torch.stack(losses).mean()
(preference_gradient,) = torch.autograd.grad(preference, head, retain_graph=True)

tokens = [
    token_log_probabilities(head, responses[i]["ids"], responses[i]["lossFrom"])
    for responses, i in zip(groups, best)
    if i is not None
]
imitation = -torch.cat(tokens).mean()
(imitation_gradient,) = torch.autograd.grad(imitation, head)

OUT.write_text(
    json.dumps(
        {
            "vocabulary": VOCABULARY,
            "width": WIDTH,
            "beta": BETA,
            "embedding": embedding.flatten().tolist(),
            "head": head.detach().flatten().tolist(),
            "groups": groups,
            "pairs": pairs,
            "best": best,
            "preference": {
                "loss": preference.item(),
                "gradient": preference_gradient.flatten().tolist(),
            },
            "imitation": {"loss": imitation.item(), "gradient": imitation_gradient.flatten().tolist()},
        }
    )
)
