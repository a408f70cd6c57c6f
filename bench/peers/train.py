"""
The Python side of the training benchmark: Hugging Face transformers on PyTorch, CPU.

    python train.py MODEL_DIRECTORY TASK.json float32|bfloat16 shuffled|sorted keep|recompute THREADS

The steps of a plain trainer, as the authors of GRAM train: batches padded to their longest sequence, logits of the whole
vocabulary at all positions, and AdamW over float32 weights. `bfloat16` is autocast. `sorted` takes the batches of similar
lengths that our trainer makes. `recompute` is gradient checkpointing, which takes less memory and more time.

The task holds token ids, so that every system does the same. Prints one JSON line.
"""

import json
import sys
import time

import torch
from llama import keep_memory, peak_memory, versions
from torch import nn
from transformers import AutoModelForCausalLM

path, task_path, dtype, order, activations, threads = sys.argv[1:]
keep_memory()
torch.set_num_threads(int(threads))
task = json.load(open(task_path))
model = AutoModelForCausalLM.from_pretrained(path, dtype=torch.float32).train()
if activations == "recompute":
    model.gradient_checkpointing_enable()
parameters = list(model.parameters())
optimizer = torch.optim.AdamW(parameters, lr=task["learningRate"], weight_decay=0.0, fused=True)
label_ids = torch.tensor(task["labels"])
label_loss = nn.CrossEntropyLoss(label_smoothing=task["labelSmoothing"])
computed = 0


def supervised(example):
    """Token ids, and the same with -100 where nothing is to be predicted."""
    ids = example["ids"]
    if task["stage"] == 1:
        start = example["lossFrom"]
        return ids, [-100] * start + ids[start:]
    label = task["labels"][example["label"]]
    return ids + [label], [-100] * len(ids) + [label]


def padded(examples):
    rows = [supervised(example) for example in examples]
    length = max(len(ids) for ids, _ in rows)

    def fill(value, lists):
        return torch.tensor([row + [value] * (length - len(row)) for row in lists])

    return (
        fill(0, [ids for ids, _ in rows]),
        fill(-100, [labels for _, labels in rows]),
        fill(0, [[1] * len(ids) for ids, _ in rows]),
    )


def loss_of(examples, total):
    global computed
    tokens, labels, mask = padded(examples)
    computed += tokens.numel()
    with torch.autocast("cpu", torch.bfloat16, enabled=dtype == "bfloat16"):
        if task["stage"] == 1:
            inputs = dict(input_ids=tokens, attention_mask=mask, labels=labels)
            return model(**inputs, num_items_in_batch=total, use_cache=False).loss
        logits = model(input_ids=tokens, attention_mask=mask, use_cache=False).logits
        first = (labels != -100).int().argmax(dim=1)
        rows = torch.arange(len(first))
        chosen = logits[rows, first - 1][:, label_ids].float()
        right = (labels[rows, first] == label_ids[1]).long()
        return label_loss(chosen, right) * len(examples) / total


def step(indices):
    examples = [task["examples"][i] for i in indices]
    total = len(examples)
    if task["stage"] == 1:
        total = sum(len(example["ids"]) - example["lossFrom"] for example in examples)
    size = task["microBatchSize"]
    loss_sum = 0.0
    for start in range(0, len(examples), size):
        loss = loss_of(examples[start : start + size], total)
        loss.backward()
        loss_sum += loss.item()
    nn.utils.clip_grad_norm_(parameters, task["maxGradientNorm"])
    optimizer.step()
    optimizer.zero_grad(set_to_none=True)
    return loss_sum


losses = [step(indices) for indices in task["warmUp"]]
computed = 0
start = time.perf_counter()
for indices in task[order]:
    step(indices)
seconds = time.perf_counter() - start
real = sum(len(task["examples"][i]["ids"]) for indices in task[order] for i in indices)
print(
    json.dumps(
        dict(
            seconds=seconds,
            real=real,
            computed=computed,
            losses=losses,
            peakMemory=peak_memory(),
            version=versions(),
        )
    )
)
