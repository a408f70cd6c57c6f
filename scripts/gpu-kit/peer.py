"""
The same work in PyTorch on the same GPU, or on the processor.

    python peer.py "train 1"|"train 2"|score|generate|ppo MODEL TASK.json float32|tf32|bfloat16 cuda|cpu

bfloat16 is autocast over float32 weights. Prints one line of JSON: `first`, numbers to compare, and `rate`.
"""

import json
import sys
import time

import torch
from torch.nn import functional as F
from transformers import AutoModelForCausalLM

kind, path, task_path, precision, device = sys.argv[1:]
task = json.load(open(task_path))
torch.backends.cuda.matmul.allow_tf32 = precision == "tf32"
model = AutoModelForCausalLM.from_pretrained(path, dtype=torch.float32).to(device)


def autocast():
    return torch.autocast(device, torch.bfloat16, enabled=precision == "bfloat16")


def finish():
    """Waits for a GPU, which computes on its own."""
    if device == "cuda":
        torch.cuda.synchronize()


def timed(run):
    finish()
    start = time.perf_counter()
    run()
    finish()
    return time.perf_counter() - start


def padded(rows, fill=0):
    length = max(len(row) for row in rows)
    return torch.tensor([row + [fill] * (length - len(row)) for row in rows]).to(device)


def states(rows):
    mask = padded([[1] * len(row) for row in rows])
    return model.model(input_ids=padded(rows), attention_mask=mask).last_hidden_state


def at_last(rows):
    return states(rows)[torch.arange(len(rows)), [len(row) - 1 for row in rows]]


def optimizer_of(rate):
    return torch.optim.AdamW(model.parameters(), lr=rate, weight_decay=0.0, fused=True)


def train(stage):
    optimizer = optimizer_of(task["learningRate"])
    labels = torch.tensor(task["labels"]).to(device)
    size = task["microBatchSize"]

    def loss_of(part):
        rows = [example["ids"] for example in part]
        if stage == 2:
            both = F.linear(at_last(rows), model.lm_head.weight[labels]).float()
            wanted = torch.tensor([example["label"] for example in part]).to(device)
            return F.cross_entropy(both, wanted, label_smoothing=task["labelSmoothing"], reduction="sum")
        logits = model.lm_head(states(rows)).float()
        masked = [[-100] * e["lossFrom"] + e["ids"][e["lossFrom"] :] for e in part]
        wanted = padded(masked, -100)[:, 1:].flatten()
        return F.cross_entropy(logits[:, :-1].flatten(0, 1), wanted, reduction="sum")

    def step(indices):
        chosen = [task["examples"][i] for i in indices]
        count = len(chosen) if stage == 2 else sum(len(e["ids"]) - e["lossFrom"] for e in chosen)
        total = 0.0
        for start in range(0, len(chosen), size):
            with autocast():
                loss = loss_of(chosen[start : start + size]) / count
            loss.backward()
            total += loss.item()
        torch.nn.utils.clip_grad_norm_(model.parameters(), task["maxGradientNorm"])
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        return total

    first = [step(indices) for indices in task["warmUp"]]
    every = lambda: [step(indices) for indices in task["sorted"]]
    every()
    tokens = sum(len(task["examples"][i]["ids"]) for indices in task["sorted"] for i in indices)
    return first, tokens / timed(every)


@torch.no_grad()
def score():
    labels = torch.tensor(task["labels"]).to(device)

    def run():
        found = []
        for start in range(0, len(task["pairs"]), 16):
            with autocast():
                both = F.linear(at_last(task["pairs"][start : start + 16]), model.lm_head.weight[labels])
            found += torch.softmax(both.float(), -1)[:, 0].tolist()
        return found

    first = run()[:4]
    return first, len(task["pairs"]) / timed(run)


@torch.no_grad()
def generate():
    prompts, count = torch.tensor(task["prompts"]).to(device), task["count"]
    sequence = torch.tensor([task["prompts"][0] + task["written"]]).to(device)
    with autocast():
        logits = model(input_ids=sequence).logits.float()
    start = prompts.shape[1]
    logs = torch.log_softmax(logits[0, start - 1 : start + 3], -1)
    first = logs.gather(1, sequence[0, start : start + 4, None]).flatten().tolist()

    def run():
        with autocast():
            model.generate(prompts, do_sample=False, min_new_tokens=count, max_new_tokens=count, pad_token_id=0)

    run()
    return first, prompts.numel() // start * count / timed(run)


def entropies(part):
    """Entropy before each response token."""
    rows = [each["prompt"] + each["response"] for each in part]
    logs = torch.log_softmax(model.lm_head(states(rows)).float(), -1)
    entropy = -(logs.exp() * logs).sum(-1)
    return torch.cat(
        [
            entropy[i, len(each["prompt"]) - 1 : len(each["prompt"]) + len(each["response"]) - 1]
            for i, each in enumerate(part)
        ]
    )


def ppo():
    """Draws as many responses, and takes a gradient step of a policy and of a value model of the same size with them."""
    sequences, size = task["sequences"], task["microBatchSize"]
    parts = [sequences[start : start + size] for start in range(0, len(sequences), size)]
    with torch.no_grad(), autocast():
        first = [torch.cat([entropies(part) for part in parts]).mean().item()]
    optimizer = optimizer_of(1e-5)
    prompts = torch.tensor([each["prompt"] for each in sequences]).to(device)
    count = task["count"]

    def run():
        with torch.no_grad(), autocast():
            model.generate(prompts, do_sample=True, min_new_tokens=count, max_new_tokens=count, pad_token_id=0)
        for _ in range(2):
            for part in parts:
                with autocast():
                    loss = entropies(part).mean()
                loss.backward()
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
        # The reference and the value model measure once each.
        for _ in range(2):
            for part in parts:
                with torch.no_grad(), autocast():
                    entropies(part)

    run()
    return first, len(sequences) / timed(run)


work = {"train 1": lambda: train(1), "train 2": lambda: train(2), "score": score, "generate": generate, "ppo": ppo}
first, rate = work[kind]()
print(json.dumps({"first": first, "rate": rate}))
