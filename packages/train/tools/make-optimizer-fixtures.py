"""What PyTorch's optimizers make of a matrix and a vector over some steps.

    pip install torch
    python packages/train/tools/make-optimizer-fixtures.py

Writes packages/train/src/optimizers/__fixtures__/expected.json. PyTorch decays every weight; ours decays matrices only, so
decay is given to the matrix alone.
"""

import json
from pathlib import Path

import torch

OUT = Path(__file__).resolve().parent.parent / "src" / "optimizers" / "__fixtures__" / "expected.json"
STEPS = 6
LR = [0.05, 0.04, 0.03, 0.03, 0.02, 0.01]
OPTIMIZERS = {
    "adamw": (torch.optim.AdamW, dict(betas=(0.8, 0.95), eps=1e-6), 0.1),
    "sgd": (torch.optim.SGD, dict(momentum=0.9), 0.1),
    "sgd-plain": (torch.optim.SGD, dict(), 0.0),
    "adafactor": (torch.optim.Adafactor, dict(), 0.1),
}

torch.manual_seed(0)
matrix, vector = torch.randn(3, 5), torch.randn(4)
gradients = [(torch.randn(3, 5) * 10.0 ** (i - 3), torch.randn(4)) for i in range(STEPS)]


def numbers(tensor):
    return [float(f"{value:.9g}") for value in tensor.detach().flatten().tolist()]


expected = {}
for name, (cls, options, decay) in OPTIMIZERS.items():
    a, b = torch.nn.Parameter(matrix.clone()), torch.nn.Parameter(vector.clone())
    optimizer = cls([dict(params=[a], weight_decay=decay), dict(params=[b], weight_decay=0.0)], lr=LR[0], **options)
    after = []
    for lr, (ga, gb) in zip(LR, gradients):
        for group in optimizer.param_groups:
            group["lr"] = lr
        a.grad, b.grad = ga.clone(), gb.clone()
        optimizer.step()
        after.append(dict(matrix=numbers(a), vector=numbers(b)))
    expected[name] = after

OUT.parent.mkdir(parents=True, exist_ok=True)
OUT.write_text(
    json.dumps(
        dict(
            matrix=numbers(matrix),
            vector=numbers(vector),
            gradients=[dict(matrix=numbers(a), vector=numbers(b)) for a, b in gradients],
            learningRates=LR,
            expected=expected,
        )
    )
)
