"""Masked responses, groups, clip-higher, aggregations, entropy and the adaptive KL, written a second time and naively.

    pip install numpy torch
    python packages/ppo/tools/make-group-fixtures.py

Writes packages/ppo/src/__fixtures__/groups.json: for each section a list of {name, input, expected}. The file there was
made with Python 3.11, numpy 2.4.6 and torch 2.15.0, in float64. A response without a reward is None.

Sources: Schulman et al., PPO (arXiv 1707.06347) and GAE (1506.02438); Ahmadian et al., RLOO (2402.14740); Shao et al., GRPO
(2402.03300); Yu et al., DAPO (2503.14476); Liu et al., Dr. GRPO (2503.20783); Ziegler et al. (1909.08593);
Ionides, Truncated Importance Sampling (2008).
"""

import json
import math
from pathlib import Path

import numpy as np
import torch

OUT = Path(__file__).resolve().parent.parent / "src" / "__fixtures__" / "groups.json"

torch.set_default_dtype(torch.float64)
torch.set_num_threads(1)


def normal(rng, shape, scale=1.0):
    """Normal numbers, rounded to multiples of 1/256."""
    return np.round(rng.standard_normal(shape) * scale * 256) / 256


def case(name, input, expected):
    return {"name": name, "input": input, "expected": expected}


# rloo: r_i - mean of the others that have a reward.  grpo: (r_i - mean) / (std + 1e-4).  Dr. GRPO: r_i - mean.
# All over the responses that have a reward; None for those without, and for one that is alone.
def advantages_of(kind, scores):
    given = [s for s in scores if s is not None]
    result = []
    for i, score in enumerate(scores):
        others = [s for j, s in enumerate(scores) if j != i and s is not None]
        if score is None or not others:
            result.append(None)
            continue
        if kind == "rloo":
            result.append(score - sum(others) / len(others))
            continue
        mean = sum(given) / len(given)
        std = float(np.std(np.array(given), ddof=1))
        result.append((score - mean) / (std + 1e-4) if kind == "grpo" else score - mean)
    return result


GROUPS = {
    "none masked": [0.25, 1.0, -2.0, 0.5],
    "one of four masked": [0.25, None, -2.0, 0.5],
    "the first and the last masked": [None, 3.0, -1.0, 0.125, None],
    "two left": [None, 1.0, None, 0.0],
    "one left": [None, None, 1.5, None],
    "all masked": [None, None],
    "equal rewards beside a masked one": [0.5, None, 0.5],
}


def masked_group_cases():
    return [
        case(name, {"scores": scores}, {kind: advantages_of(kind, scores) for kind in ("rloo", "grpo", "none")})
        for name, scores in GROUPS.items()
    ]


# z = (s - mean) / (std + 1e-6), as in make-ppo-fixtures.py, where responses without a reward are not there at all.
def masked_queue_cases():
    batches = [[0.5, None, 1.5, 2.0], [None, 1.0, 0.25, None], [None, None], [4.0, 1.0, None, 0.75], [2.0, 2.5]]
    held, expected = [], []
    for batch in batches:
        given = [s for s in batch if s is not None]
        known = held if len(held) >= len(given) and len(set(held)) > 1 else given
        mean, std = (np.mean(known), np.std(known)) if known else (0.0, 0.0)
        expected.append([None if s is None else float((s - mean) / (std + 1e-6)) for s in batch])
        held = (held + given)[-6:]
    return [case("capacity 6", {"capacity": 6, "batches": batches}, {"standardized": expected, "held": held})]


# The experience of a step. k1 is the KL of a token. With the KL in the reward, r_t = -weight k1_t, and the score at the last token.
# gae: advantages and returns of the responses that have a score and are not masked, whitened over their tokens.
# rloo, grpo: r_1 + ... + r_n of all that have a score, among the same prompt; those that are masked are then left out.
def experience(groups, method, scale, where, weight):
    def rewards_of(response):
        k1 = [a - b for a, b in zip(response["logProbabilities"], response["reference"])]
        rewards = [-(weight if where == "reward" else 0) * k for k in k1]
        rewards[-1] += response["score"]
        return rewards

    learned = []
    if method == "gae":
        place = 0
        for group in groups:
            for response in group:
                if response["score"] is not None and not response["isMasked"]:
                    rewards, values = rewards_of(response), response["values"]
                    n = len(rewards)
                    deltas = [
                        rewards[t] + (0.99 * values[t + 1] if t + 1 < n else 0.0) - values[t] for t in range(n)
                    ]
                    own = [sum((0.99 * 0.9) ** (k - t) * deltas[k] for k in range(t, n)) for t in range(n)]
                    returns = [a + v for a, v in zip(own, values)]
                    learned.append({"place": place, "advantages": own, "returns": returns})
                place += 1
        tokens = np.array([a for each in learned for a in each["advantages"]])
        for each in learned:
            whitened = (np.array(each["advantages"]) - tokens.mean()) / math.sqrt(tokens.var(ddof=1) + 1e-8)
            each["advantages"] = whitened.tolist()
        return learned
    place = 0
    for group in groups:
        scores = [None if r["score"] is None else sum(rewards_of(r)) for r in group]
        kind = "rloo" if method == "rloo" else ("grpo" if scale == "deviation" else "none")
        for response, advantage in zip(group, advantages_of(kind, scores)):
            if advantage is not None and not response["isMasked"]:
                learned.append({"place": place, "advantages": [advantage] * len(response["values"])})
            place += 1
    return learned


def experience_cases():
    rng = np.random.default_rng(21)

    def response(score, tokens, is_masked=False):
        return {
            "score": score,
            "isMasked": is_masked,
            "logProbabilities": (-np.abs(normal(rng, tokens))).tolist(),
            "reference": (-np.abs(normal(rng, tokens))).tolist(),
            "values": normal(rng, tokens).tolist(),
        }

    groups = [
        [response(2.5, 3), response(None, 2), response(-1.0, 4), response(0.5, 1)],
        [response(None, 3), response(1.0, 2), response(None, 2), response(None, 5)],
        [response(0.25, 2), response(-3.0, 3, True), response(1.75, 4), response(None, 2, True)],
    ]
    cases = []
    for method, scale in (("gae", "deviation"), ("rloo", "deviation"), ("grpo", "deviation"), ("grpo", "none")):
        for where in ("reward", "loss"):
            input = {"groups": groups, "advantages": method, "groupScale": scale, "in": where, "weight": 0.125}
            name = f"{method}, {scale}, KL in the {where}"
            cases.append(case(name, input, {"learned": experience(groups, method, scale, where, 0.125)}))
    return cases


# mean of max(-A r, -A clip(r, 1 - low, 1 + high)), r = exp(logp - old); the gradient is by logp.
def clip_cases():
    rng = np.random.default_rng(22)
    cases = []
    for low, high in ((0.2, 0.28), (0.2, 0.2), (0.1, 0.5)):
        log_ratios = np.array([-0.5, -0.15, 0.22, 0.3, 0.6, 0.05, -0.3, 0.25])
        logp = -np.abs(normal(rng, 8, 2))
        advantages = np.array([1.0, -1.0, 2.0, 0.5, 1.5, -0.5, -2.0, -1.25])
        leaf = torch.tensor(logp, requires_grad=True)
        old, a = torch.tensor(logp - log_ratios), torch.tensor(advantages)
        ratio = torch.exp(leaf - old)
        free, bounded = -a * ratio, -a * torch.clamp(ratio, 1 - low, 1 + high)
        loss = torch.maximum(free, bounded).mean()
        expected = {
            "loss": loss,
            "gradient": torch.autograd.grad(loss, leaf)[0],
            "clipped": (bounded > free).double().mean(),
        }
        input = {"logProbs": logp, "old": logp - log_ratios, "advantages": advantages, "low": low, "high": high}
        cases.append(case(f"low {low}, high {high}", input, expected))
    return cases


# token: sum of all / number of all tokens.  sequence: mean over responses of the mean over their tokens.
# fixed: sum of all / (responses * max_tokens).
def aggregation_cases():
    rng = np.random.default_rng(23)
    cases = []
    for name, lengths in {"equal lengths": [4, 4, 4], "ragged": [1, 7, 3, 8], "one response": [5]}.items():
        rows = [normal(rng, n).tolist() for n in lengths]
        total = sum(sum(row) for row in rows)
        expected = {
            "token": total / sum(lengths),
            "sequence": sum(sum(row) / len(row) for row in rows) / len(rows),
            "fixed": total / (len(rows) * 8),
        }
        cases.append(case(name, {"rows": rows, "maxNewTokens": 8}, expected))
    return cases


# -sum_v p_v log p_v; the gradient is that of the sum over positions, by the logits.
def entropy_cases():
    rng = np.random.default_rng(24)
    cases = {"random": normal(rng, (4, 6), 2), "uniform": np.zeros((2, 5)), "peaked": np.array([[30.0, 0, -3, 1]])}
    result = []
    for name, logits in cases.items():
        leaf = torch.tensor(logits, requires_grad=True)
        values = torch.distributions.Categorical(logits=leaf).entropy()
        gradient = torch.autograd.grad(values.sum(), leaf)[0]
        result.append(case(name, {"logits": logits}, {"values": values, "gradient": gradient}))
    return result


# e = clip(kl / target - 1, -0.2, 0.2), weight' = weight (1 + e responses / horizon), step after step.
def kl_weight_cases():
    kls, weight, weights = [0.5, 7.0, 6.5, 5.0, 30.0, 0.0], 0.2, []
    for kl in kls:
        weight *= 1 + float(np.clip(kl / 6 - 1, -0.2, 0.2)) * 64 / 1000
        weights.append(weight)
    input = {"kl": kls, "weight": 0.2, "target": 6, "horizon": 1000, "responses": 64}
    return [case("six steps", input, {"weights": weights})]


# w = min(cap, exp(own - drawn)), a constant; loss = mean of w max(-A r, -A clip(r, 0.8, 1.2)), r = exp(logp - own).
def importance_cases():
    rng = np.random.default_rng(25)
    own = -np.abs(normal(rng, 9, 2))
    drawn = own - np.array([0.0, 0.02, -0.03, 0.5, -0.5, 0.8, 1.5, -2.0, 0.1])
    logp = own + np.array([0.05, -0.3, 0.1, 0.3, -0.1, 0.25, -0.05, 0.15, -0.25])
    advantages = np.array([1.0, -1.0, 2.0, 0.5, -1.5, 1.0, -2.0, 0.25, -0.5])
    cases = []
    for cap in (2.0, 1.0, 10.0):
        ratios = np.exp(own - drawn)
        leaf = torch.tensor(logp, requires_grad=True)
        r, a, w = torch.exp(leaf - torch.tensor(own)), torch.tensor(advantages), torch.tensor(np.minimum(ratios, cap))
        loss = (w * torch.maximum(-a * r, -a * torch.clamp(r, 0.8, 1.2))).mean()
        expected = {
            "weights": w,
            "loss": loss,
            "gradient": torch.autograd.grad(loss, leaf)[0],
            "summary": {
                "mean": ratios.mean(),
                "least": ratios.min(),
                "most": ratios.max(),
                "spread": np.sqrt(np.square(own - drawn).mean()),
                "truncated": float((ratios > cap).mean()),
                # Kish's effective sample size, as a share.
                "effective": float(w.sum() ** 2 / (len(w) * (w * w).sum())),
            },
        }
        input = {"own": own, "drawn": drawn, "logProbs": logp, "advantages": advantages, "cap": cap}
        cases.append(case(f"cap {cap}", input, expected))
    return cases


def plain(value):
    """Lists and numbers of what numpy and torch hold, without negative zeros."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, (torch.Tensor, np.ndarray)):
        return plain(value.tolist())
    if isinstance(value, np.floating):
        return float(value)
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return value + 0.0 if isinstance(value, float) else value


def main():
    sections = {
        "maskedGroups": masked_group_cases(),
        "maskedQueue": masked_queue_cases(),
        "experience": experience_cases(),
        "clip": clip_cases(),
        "aggregation": aggregation_cases(),
        "entropy": entropy_cases(),
        "klWeight": kl_weight_cases(),
        "importance": importance_cases(),
    }
    OUT.write_text(json.dumps(plain(sections), allow_nan=False) + "\n")


main()
