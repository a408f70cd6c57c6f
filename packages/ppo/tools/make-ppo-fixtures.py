"""The mathematics of PPO for language models, written a second time and naively.

    pip install numpy torch
    python packages/ppo/tools/make-ppo-fixtures.py

Writes packages/ppo/src/__fixtures__/ppo.json: for each section a list of {name, input, expected}. The file there was
made with Python 3.11, numpy 2.4.6 and torch 2.15.0.

Everything is float64. Losses, estimates of the divergence and their gradients come from torch and its autograd, the
rest from loops over the formulas that stand above each function. Logits, advantages, values, returns and scores are
binary fractions, so float32 holds them exactly; discounts, clips, some weights and old log-probabilities are not.

Sources: Schulman et al., PPO (arXiv 1707.06347) and GAE (1506.02438); Schulman, "Approximating KL Divergence" (2020);
Ahmadian et al., RLOO (2402.14740); Shao et al., GRPO (2402.03300).
"""

import json
import math
from pathlib import Path

import numpy as np
import torch

OUT = Path(__file__).resolve().parent.parent / "src" / "__fixtures__" / "ppo.json"

torch.set_default_dtype(torch.float64)
torch.set_num_threads(1)


def normal(rng, shape, scale=1.0):
    """Normal numbers, rounded to multiples of 1/256."""
    return np.round(rng.standard_normal(shape) * scale * 256) / 256


def case(name, input, expected):
    return {"name": name, "input": input, "expected": expected}


# delta_t = r_t + discount V_{t+1} - V_t,  A_t = delta_t + discount lambda A_{t+1},  V and A are 0 after the last token.
def gae(rewards, values, discount, lam):
    length = len(rewards)
    advantages = [0.0] * length
    for t in reversed(range(length)):
        last = t == length - 1
        next_value = 0.0 if last else values[t + 1]
        next_advantage = 0.0 if last else advantages[t + 1]
        delta = rewards[t] + discount * next_value - values[t]
        advantages[t] = delta + discount * lam * next_advantage
    returns = [advantages[t] + values[t] for t in range(length)]
    return {"advantages": advantages, "returns": returns}


def gae_cases():
    rng = np.random.default_rng(1)
    cases = []
    for length in (1, 5, 12):
        rewards, values = normal(rng, length), normal(rng, length)
        for discount in (1, 0.95):
            for lam in (0.95, 1, 0):
                input = {"rewards": rewards, "values": values, "discount": discount, "lambda": lam}
                name = f"{length} tokens, discount {discount}, lambda {lam}"
                cases.append(case(name, input, gae(rewards.tolist(), values.tolist(), discount, lam)))
    return cases


# (a - mean) / sqrt(var + 1e-8) over the tokens of all rows, var with Bessel's correction. One token alone gives 0.
def whiten(rows):
    tokens = [a for row in rows for a in row]
    if len(tokens) == 1:
        return [[0.0] * len(row) for row in rows]
    mean = sum(tokens) / len(tokens)
    var = sum((a - mean) ** 2 for a in tokens) / (len(tokens) - 1)
    return [[(a - mean) / math.sqrt(var + 1e-8) for a in row] for row in rows]


def whiten_cases():
    rng = np.random.default_rng(2)
    cases = {
        "one row": [normal(rng, 6).tolist()],
        "ragged rows": [(normal(rng, n, 2) + 3).tolist() for n in (4, 1, 7, 2)],
        "two tokens in two rows": [[1.5], [-0.25]],
        "one token": [[2.5]],
        "constant": [[0.75, 0.75, 0.75], [0.75]],
        "small spread": [[0.0, 0.0001220703125], [0.000244140625]],
    }
    return [case(name, {"rows": rows}, {"rows": whiten(rows)}) for name, rows in cases.items()]


# rloo: r_i - mean of the others.  grpo: (r_i - mean) / (std + 1e-4), std with Bessel's correction.
def groups(scores):
    rloo = []
    for i in range(len(scores)):
        others = [scores[j] for j in range(len(scores)) if j != i]
        rloo.append(scores[i] - sum(others) / len(others))
    mean = sum(scores) / len(scores)
    std = math.sqrt(sum((r - mean) ** 2 for r in scores) / (len(scores) - 1))
    grpo = [(r - mean) / (std + 1e-4) for r in scores]
    return {"rloo": rloo, "grpo": grpo}


def groups_cases():
    rng = np.random.default_rng(3)
    cases = {
        "two responses": [1.0, -0.5],
        "four responses": [0.25, 1.0, -2.0, 0.5],
        "eight responses": normal(rng, 8, 3).tolist(),
        "one success in four": [0.0, 0.0, 1.0, 0.0],
        "all equal": [0.5, 0.5, 0.5, 0.5],
    }
    return [case(name, {"scores": scores}, groups(scores)) for name, scores in cases.items()]


def log_probs(logits):
    """[P, V] -> [P, V]"""
    return torch.log_softmax(logits, dim=-1)


def of_tokens(table, tokens):
    """[P, V] -> [P], the entry of the token at each position."""
    return torch.stack([table[position, token] for position, token in enumerate(tokens)])


def gradient(total, leaf):
    return torch.autograd.grad(total, leaf)[0]


# k1 = logp - logq, k2 = (logp - logq)^2 / 2, k3 = exp(logq - logp) - 1 - (logq - logp), of the sampled tokens;
# full = sum_v pi_v (log pi_v - log ref_v). The gradient is that of the sum over positions, by the policy's logits.
def kl(policy_logits, reference_logits, tokens):
    expected = {}
    for kind in ("k1", "k2", "k3", "full"):
        policy = torch.tensor(policy_logits, requires_grad=True)
        log_pi, log_ref = log_probs(policy), log_probs(torch.tensor(reference_logits))
        logp, logq = of_tokens(log_pi, tokens), of_tokens(log_ref, tokens)
        estimate = {
            "k1": logp - logq,
            "k2": (logp - logq) ** 2 / 2,
            "k3": torch.exp(logq - logp) - 1 - (logq - logp),
            "full": (torch.exp(log_pi) * (log_pi - log_ref)).sum(dim=-1),
        }[kind]
        expected[kind] = {"values": estimate, "gradient": gradient(estimate.sum(), policy)}
        expected["logProbs"], expected["referenceLogProbs"] = logp, logq
    return expected


def kl_cases():
    rng = np.random.default_rng(4)
    same = normal(rng, (3, 5))
    # The sampled token is likely under the policy here, unlikely under the reference.
    peaked = np.array([[20.0, 0.0, -3.0, 1.0], [-4.0, 0.5, 16.0, 0.0]])
    peaked_elsewhere = np.array([[0.0, 20.0, 1.0, 0.0], [3.0, 12.0, 2.0, -1.0]])
    cases = {
        "one position": (normal(rng, (1, 4)), normal(rng, (1, 4)), [2]),
        "five positions": (normal(rng, (5, 6)), normal(rng, (5, 6)), [0, 5, 3, 3, 1]),
        "near the reference": ((near := normal(rng, (4, 5), 2)) + normal(rng, (4, 5), 0.05), near, [4, 0, 2, 1]),
        "the reference itself": (same, same, [0, 4, 2]),
        "the same up to a constant": (same + 8, same, [1, 3, 2]),
        "peaked at different tokens": (peaked, peaked_elsewhere, [0, 2]),
    }
    return [
        case(name, dict(zip(("policyLogits", "referenceLogits", "tokens"), input)), kl(*input))
        for name, input in cases.items()
    ]


# sum_i w_i max(-A r, -A clip(r, 1 - c, 1 + c)), r = exp(logp - old).
# clipFraction = share of the weight where the clipped term is strictly larger; approxKl = sum_i w_i (old - logp).
def policy_loss(logits, tokens, old, advantages, weights, clip):
    leaf = torch.tensor(logits, requires_grad=True)
    old, advantages, weights = torch.tensor(old), torch.tensor(advantages), torch.tensor(weights)
    logp = of_tokens(log_probs(leaf), tokens)
    ratio = torch.exp(logp - old)
    plain = -advantages * ratio
    clipped = -advantages * torch.clamp(ratio, 1 - clip, 1 + clip)
    loss = (weights * torch.maximum(plain, clipped)).sum()
    # Where the loss has a kink, float32 could fall on its other side.
    assert min(abs(ratio - (1 - clip)).min(), abs(ratio - (1 + clip)).min()) > 1e-3
    return {
        "loss": loss,
        "gradient": gradient(loss, leaf),
        "clipFraction": (weights * (clipped > plain)).sum() / weights.sum(),
        "approxKl": (weights * (old - logp)).sum(),
        "ratios": ratio,
    }


def policy_loss_cases():
    rng = np.random.default_rng(5)
    cases = []

    def add(name, logits, tokens, log_ratios, advantages, weights, clip=0.2):
        """Old log-probabilities that make the ratios exp(log_ratios)."""
        old = of_tokens(log_probs(torch.tensor(logits)), tokens).numpy() - np.array(log_ratios)
        input = {
            "logits": logits,
            "tokens": tokens,
            "oldLogProbs": old,
            "advantages": advantages,
            "weights": weights,
            "clip": clip,
        }
        cases.append(case(name, input, policy_loss(logits, tokens, old, advantages, weights, clip)))

    half, eighth = 0.5, 0.125
    add("one token", normal(rng, (1, 4)), [3], [0.0625], [1.5], [1.0])
    add(
        "all ratios are 1",
        normal(rng, (5, 6)),
        [0, 5, 2, 2, 1],
        [0.0] * 5,
        [1.0, -0.5, 2.0, -1.25, 3.0],
        [eighth, eighth, half, 2 * eighth, 0.0],
    )
    # Ratios of about 0.53, 0.88, 1.13 and 1.87 with both signs of A: two of the eight are clipped (1.87 with A > 0 and
    # 0.53 with A < 0). Then A = 0 out of the range, which is not clipped as both terms are equal, and two paddings.
    add(
        "clipped on both sides",
        normal(rng, (11, 5)),
        [0, 1, 2, 3, 4, 3, 2, 1, 0, 1, 2],
        [-0.625, -0.125, 0.125, 0.625] * 2 + [0.625, -4.0, 4.0],
        [1.0, 0.5, 2.0, 0.75, -1.0, -0.5, -2.0, -0.75, 0.0, -3.0, 3.0],
        [0.0625, 0.1875, eighth, eighth, 0.0625, eighth, eighth, eighth, 0.0625, 0.0, 0.0],
    )
    add(
        "everything clipped",
        normal(rng, (4, 4)),
        [1, 3, 0, 2],
        [0.5, 0.25, -0.5, -0.25],
        [1.0, 2.0, -1.0, -2.0],
        [0.25, 0.25, 0.25, 0.25],
    )
    add(
        "mean over seven of nine tokens",
        normal(rng, (9, 6), 2),
        [int(token) for token in rng.integers(0, 6, 9)],
        normal(rng, 9, 0.3),
        normal(rng, 9),
        [1 / 7] * 7 + [0.0] * 2,
    )
    add(
        "a narrower clip",
        normal(rng, (4, 5)),
        [4, 0, 1, 1],
        [0.125, -0.125, 0.0625, -0.0625],
        [1.0, -1.0, 1.0, -1.0],
        [0.5, 0.25, 0.125, 0.125],
        clip=0.1,
    )
    return cases


# 0.5 sum_i w_i max((v - R)^2, (clip(v, old - c, old + c) - R)^2)
def value_loss(values, old, returns, weights, clip):
    leaf = torch.tensor(values, requires_grad=True)
    old, returns, weights = torch.tensor(old), torch.tensor(returns), torch.tensor(weights)
    plain = (leaf - returns) ** 2
    clipped = (torch.maximum(torch.minimum(leaf, old + clip), old - clip) - returns) ** 2
    loss = 0.5 * (weights * torch.maximum(plain, clipped)).sum()
    # As above: no value at a kink.
    outside = abs(leaf - old) > clip
    assert abs(abs(leaf - old) - clip).min() > 1e-3 and (abs(plain - clipped)[outside] > 1e-3).all()
    return {"loss": loss, "gradient": gradient(loss, leaf)}


def value_loss_cases():
    rng = np.random.default_rng(6)
    cases = []

    def add(name, values, old, returns, weights, clip=0.2):
        input = {"values": values, "oldValues": old, "returns": returns, "weights": weights, "clip": clip}
        cases.append(case(name, input, value_loss(values, old, returns, weights, clip)))

    add("one value", [0.5], [0.4375], [1.25], [1.0])
    add("as before", [0.5, -1.0, 2.0], [0.5, -1.0, 2.0], [1.0, -1.5, 2.0], [0.5, 0.25, 0.25])
    # Moved too far towards the return (the clipped term is larger: no gradient), away from it and past it (the plain
    # term is larger), each upwards and downwards; then a small move and a padding.
    add(
        "clipped on both sides",
        [1.5, -1.5, 1.5, -1.5, 1.5, -1.5, 1.0625, 9.0],
        [1.0, -1.0, 1.0, -1.0, 1.0, -1.0, 1.0, -9.0],
        [3.0, -3.0, -2.0, 2.0, 1.25, -1.25, 0.0, 1.0],
        [0.125, 0.125, 0.125, 0.125, 0.125, 0.25, 0.125, 0.0],
    )
    old = normal(rng, 9)
    add(
        "mean over seven of nine values",
        old + normal(rng, 9, 0.3),
        old,
        normal(rng, 9),
        [1 / 7] * 7 + [0.0] * 2,
    )
    add("a wider clip", [1.5, -1.5, 2.0], [1.0, -1.0, 1.0], [3.0, -3.0, 3.0], [0.5, 0.25, 0.25], clip=0.75)
    return cases


# -klWeight kl_t, and the score on the last token besides.
def response_rewards(score, kl_estimates, weight):
    rewards = [-weight * estimate for estimate in kl_estimates]
    rewards[-1] += score
    return {"rewards": rewards}


def response_rewards_cases():
    rng = np.random.default_rng(7)
    estimates = normal(rng, 6, 0.5).tolist()
    cases = {
        "one token": (2.5, [0.125], 0.05),
        "six tokens": (7.25, estimates, 0.05),
        "six tokens, a negative score": (-3.5, estimates, 0.2),
        "no weight": (1.5, estimates, 0),
        "no divergence": (-1.5, [0.0, 0.0, 0.0], 0.1),
    }
    return [
        case(name, {"score": score, "kl": estimates, "klWeight": weight}, response_rewards(score, estimates, weight))
        for name, (score, estimates, weight) in cases.items()
    ]


# z = (s - mean) / (std + 1e-6) with the population's std: of the queue when it holds at least as many scores as the
# batch and not all of them are equal, else of the batch itself. Then the batch is pushed, and the oldest scores beyond
# the capacity fall out.
def standardize(scores, mean, std):
    return [(s - mean) / (std + 1e-6) for s in scores]


def statistics(scores):
    mean = sum(scores) / len(scores)
    return mean, math.sqrt(sum((s - mean) ** 2 for s in scores) / len(scores))


def queue(capacity, batches):
    held = []
    expected = {"standardized": [], "means": [], "stds": [], "warmUp": [], "sizes": []}
    for batch in batches:
        enough = len(held) >= len(batch) and len(set(held)) > 1
        mean, std = statistics(held if enough else batch)
        expected["standardized"].append(standardize(batch, mean, std))
        expected["means"].append(mean)
        expected["stds"].append(std)
        expected["warmUp"].append(not enough)
        held = (held + batch)[-capacity:]
        expected["sizes"].append(len(held))
    return {**expected, "held": held if len(held) <= 12 else held[-12:]}


def queue_cases():
    rng = np.random.default_rng(8)

    def batches(*sizes):
        """Scores that drift and spread, so that it matters which of them are counted."""
        return [(normal(rng, size, 1 + i / 2) + i).tolist() for i, size in enumerate(sizes)]

    cases = {
        "capacity 1000, batches of 64": (1000, batches(64, 64, 64)),
        "capacity 10, batches of 4": (10, batches(4, 4, 4, 4, 4, 4)),
        "one score first": (10, [[1.5], [2.0, 0.5, 1.0], [0.25, 3.0]]),
        "growing batches": (100, batches(2, 4, 4, 16, 8)),
        "as many as the capacity": (4, batches(4, 4, 4)),
        "more than the capacity": (4, batches(6, 4, 6, 2)),
        "a constant queue": (8, [[0.5, 0.5], [0.5, 0.5], [1.0, 0.5]]),
    }
    return [
        case(name, {"capacity": capacity, "batches": rows}, queue(capacity, rows))
        for name, (capacity, rows) in cases.items()
    ]


# scale * (s - mean) / (std + 1e-6). The other order, (scale s - scale mean) / (scale std + 1e-6), loses the scale.
def scaling(scores, mean, std, scale):
    return {
        "standardizedFirst": [scale * z for z in standardize(scores, mean, std)],
        "scaledFirst": standardize([scale * s for s in scores], scale * mean, scale * std),
    }


def scaling_cases():
    rng = np.random.default_rng(9)
    cases = {
        "one score": ([0.75], 0.5, 0.25),
        "six scores": (normal(rng, 6, 2).tolist(), 0.375, 1.75),
        "probabilities": ([0.125, 0.5, 0.96875, 0.25], 0.5, 0.1875),
    }
    return [
        case(
            name,
            {"scores": scores, "mean": mean, "std": std, "rewardScale": 10},
            scaling(scores, mean, std, 10),
        )
        for name, (scores, mean, std) in cases.items()
    ]


# The policy learns after valueOnlySteps. Evaluation comes every evaluateEvery steps and after the last.
def schedule(options, listed):
    steps = []
    for step in range(1, options["steps"] + 1):
        if step in listed:
            steps.append(
                {
                    "step": step,
                    "updatePolicy": step > options["valueOnlySteps"],
                    "evaluate": step % options["evaluateEvery"] == 0 or step == options["steps"],
                }
            )
    return {"steps": steps}


def schedule_cases():
    def options(steps, value_only, every):
        return {
            "steps": steps,
            "valueOnlySteps": value_only,
            "evaluateEvery": every,
            "policyLearningRate": 1e-5,
            "valueLearningRate": 5e-6,
        }

    cases = {
        "some of 410 steps": (options(410, 30, 200), [1, 29, 30, 31, 199, 200, 201, 400, 409, 410]),
        "seven steps": (options(7, 2, 3), range(1, 8)),
        "six steps, the policy at once": (options(6, 0, 3), range(1, 7)),
        "three steps of the value alone": (options(3, 3, 10), range(1, 4)),
    }
    return [case(name, input, schedule(input, listed)) for name, (input, listed) in cases.items()]


def plain(value):
    """Lists and numbers of what numpy and torch hold, without negative zeros, which tests tell from zero."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, (torch.Tensor, np.ndarray)):
        return plain(value.tolist())
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return value + 0.0 if isinstance(value, float) else value


def main():
    sections = {
        "gae": gae_cases(),
        "whiten": whiten_cases(),
        "groups": groups_cases(),
        "kl": kl_cases(),
        "policyLoss": policy_loss_cases(),
        "valueLoss": value_loss_cases(),
        "responseRewards": response_rewards_cases(),
        "queue": queue_cases(),
        "scaling": scaling_cases(),
        "schedule": schedule_cases(),
    }
    OUT.parent.mkdir(parents=True, exist_ok=True)
    OUT.write_text(json.dumps(plain(sections), allow_nan=False) + "\n")


main()
