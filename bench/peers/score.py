"""
The Python side of the scoring benchmark: pairs judged as the evaluator does that was released with GRAM, with Hugging Face
transformers on PyTorch, CPU.

    python score.py MODEL_DIRECTORY float32|bfloat16 BATCH TASK.json THREADS

Each pair is two sequences of token ids, one for either order, padded on the left to the longest of a batch. The model
computes its logits, and the two labels' at the last position are compared; the two probabilities of a pair are averaged.
Prints one JSON line.
"""

import json
import sys
import time

import torch
from llama import peak_memory, versions
from transformers import AutoModelForCausalLM

path, dtype, batch, task_path, threads = sys.argv[1:]
torch.set_num_threads(int(threads))
task = json.load(open(task_path))
model = AutoModelForCausalLM.from_pretrained(path, dtype=getattr(torch, dtype)).eval()


def label_probabilities(sequences):
    """Probability of the first label after each sequence."""
    longest = max(len(ids) for ids in sequences)
    padding = [longest - len(ids) for ids in sequences]
    tokens = torch.tensor([[0] * n + ids for n, ids in zip(padding, sequences)])
    mask = torch.tensor([[0] * n + [1] * len(ids) for n, ids in zip(padding, sequences)])
    with torch.inference_mode():
        logits = model(input_ids=tokens, attention_mask=mask).logits[:, -1]
    return torch.softmax(logits[:, task["labels"]].float(), -1)[:, 0].tolist()


def judge(pairs):
    size = int(batch)
    sequences = [ids for pair in pairs for ids in pair]
    first = []
    for start in range(0, len(sequences), size):
        first += label_probabilities(sequences[start : start + size])
    return [(first[2 * i] + 1 - first[2 * i + 1]) / 2 for i in range(len(pairs))]


judge(task["pairs"][:2])
start = time.perf_counter()
probabilities = judge(task["pairs"])
seconds = time.perf_counter() - start
result = dict(seconds=seconds, probabilities=probabilities)
print(json.dumps(dict(result, peakMemory=peak_memory(), version=versions())))
