"""
The Python side of the generation benchmark: Hugging Face transformers on PyTorch, CPU.

    python generate.py MODEL_DIRECTORY float32|bfloat16 TASK.json THREADS

The task holds token ids, so that every system does the same. Prints one JSON line.
"""

import json
import statistics
import sys
import time

import torch
from llama import peak_memory, versions
from transformers import AutoModelForCausalLM, StoppingCriteriaList

path, dtype, task_path, threads = sys.argv[1:]
torch.set_num_threads(int(threads))
task = json.load(open(task_path))
start = time.perf_counter()
model = AutoModelForCausalLM.from_pretrained(path, dtype=getattr(torch, dtype)).eval()
load_seconds = time.perf_counter() - start


def generate(ids, rows, count):
    """When each token was chosen, in seconds since the start, and the tokens of the first row."""
    inputs = torch.tensor([ids] * rows)
    times = []

    def clock(*_):
        times.append(time.perf_counter())
        return torch.zeros(rows, dtype=torch.bool)

    with torch.inference_mode():
        out = model.generate(
            inputs,
            attention_mask=torch.ones_like(inputs),
            do_sample=False,
            max_new_tokens=count,
            min_new_tokens=count,
            eos_token_id=None,
            pad_token_id=0,
            stopping_criteria=StoppingCriteriaList([clock]),
        )
    return times, out[0, len(ids) :].tolist()


def prefill(ids):
    inputs = torch.tensor([ids])
    start = time.perf_counter()
    with torch.inference_mode():
        model(inputs, use_cache=True, logits_to_keep=1)
    return time.perf_counter() - start


figures = dict(loadSeconds=load_seconds, version=versions())
firsts = [prefill(task["prefill"]) for _ in range(task["steps"] + 1)]
figures["prefill"] = len(task["prefill"]) / min(firsts[1:])
ids = None
for case in task["decodes"]:
    times, new = generate(case["prompt"], case["rows"], task["newTokens"])
    ids = ids or new
    # The first step is left out: it may prepare what the others use.
    steps = [after - before for before, after in zip(times[1:], times[2:])]
    figures[case["name"]] = case["rows"] / statistics.median(steps)
print(json.dumps(dict(figures, peakMemory=peak_memory(), ids=ids)))
