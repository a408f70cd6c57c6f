"""
The Python side of the generation benchmark: Hugging Face transformers on PyTorch, CPU.

    python generate.py MODEL_DIRECTORY float32|bfloat16 TASK.json THREADS

The task holds token ids, so that every system does the same. Prints one JSON line.
"""

import json
import resource
import sys
import time

import torch
from transformers import AutoModelForCausalLM

path, dtype, task_path, threads = sys.argv[1:]
torch.set_num_threads(int(threads))
task = json.load(open(task_path))


def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


before = peak()
start = time.perf_counter()
model = AutoModelForCausalLM.from_pretrained(path, dtype=getattr(torch, dtype)).eval()
load_seconds = time.perf_counter() - start
load_bytes = peak() - before


def generate(ids, rows, count):
    inputs = torch.tensor([ids] * rows)
    start = time.perf_counter()
    with torch.inference_mode():
        out = model.generate(
            inputs,
            attention_mask=torch.ones_like(inputs),
            do_sample=False,
            max_new_tokens=count,
            min_new_tokens=count,
            eos_token_id=None,
            pad_token_id=0,
        )
    return time.perf_counter() - start, out[0, len(ids) :].tolist()


def prefill(ids):
    inputs = torch.tensor([ids])
    start = time.perf_counter()
    with torch.inference_mode():
        model(inputs, use_cache=True, logits_to_keep=1)
    return time.perf_counter() - start


def fastest(run):
    seconds = [run() for _ in range(task["steps"] + 1)]
    return min(seconds[1:])


figures = dict(loadSeconds=load_seconds, loadBytes=load_bytes)
figures["prefill"] = len(task["prefill"]) / fastest(lambda: prefill(task["prefill"]))
count = task["newTokens"]
for rows in task["batches"]:
    one = fastest(lambda: generate(task["prompt"], rows, 1)[0])
    every = fastest(lambda: generate(task["prompt"], rows, count)[0])
    figures[f"decode{rows}"] = rows * (count - 1) / (every - one)
ids = generate(task["prompt"], 1, count)[1]
print(json.dumps(dict(figures, peakMemory=peak(), ids=ids)))
