"""Bradley-Terry strengths by Newton steps on the log-likelihood, in NumPy: another way than the MM algorithm.

    pip install numpy
    python packages/ranking/tools/make-bradley-terry-fixtures.py

Writes packages/ranking/src/ranking/__fixtures__/bradley-terry.json: for each case the number of responses, the games
[a, b, probability that a is preferred], the games of the prior, and the logarithms of the strengths, whose mean is 0.
"""

import json
from pathlib import Path

import numpy as np

OUT = Path(__file__).resolve().parent.parent / "src" / "ranking" / "__fixtures__" / "bradley-terry.json"


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def fit(n, games, prior):
    """The log-likelihood is concave; its gradient is the surplus of wins, its Hessian a graph Laplacian."""
    # Each pair has prior / (n - 1) drawn games besides.
    drawn = [(a, b, 0.5, prior / (n - 1)) for a in range(n) for b in range(a + 1, n)]
    weighted = [(a, b, p, 1.0) for a, b, p in games] + drawn
    logs = np.zeros(n)
    for _ in range(200):
        gradient, laplacian = np.zeros(n), np.zeros((n, n))
        for a, b, p, weight in weighted:
            q = sigmoid(logs[a] - logs[b])
            gradient[[a, b]] += weight * (p - q) * np.array([1, -1])
            laplacian[np.ix_([a, b], [a, b])] += weight * q * (1 - q) * np.array([[1, -1], [-1, 1]])
        # Only differences of strengths matter: the pseudo-inverse keeps their mean at 0. A step of 1 at most cannot overshoot far.
        step = np.linalg.pinv(laplacian) @ gradient
        logs += step / max(1, np.abs(step).max())
    assert np.abs(gradient).max() < 1e-12
    return (logs - logs.mean()).tolist()


rng = np.random.default_rng(0)


def soft(pairs):
    return [[int(a), int(b), round(float(rng.uniform()), 6)] for a, b in pairs]


def everyone(n):
    return [(a, b) for a in range(n) for b in range(a + 1, n)]


CASES = {
    "round robin": (6, soft(everyone(6)), 0.1),
    "three rounds": (8, soft([(0, 1), (2, 3), (4, 5), (6, 7), (0, 2), (1, 3), (4, 6), (5, 7), (0, 4), (1, 2), (5, 6), (3, 7)]), 0.1),
    "the earlier one always wins": (5, [[a, b, 1.0] for a, b in everyone(5)], 0.1),
    "a cycle and one that beats all": (4, [[0, 1, 1.0], [1, 2, 1.0], [0, 2, 0.0], [0, 3, 0.0], [1, 3, 0.0], [2, 3, 0.0]], 0.5),
    "two pairs that nothing joins": (4, [[0, 1, 0.9], [2, 3, 0.2]], 0.1),
}
cases = [
    {"name": name, "n": n, "games": games, "prior": prior, "logs": fit(n, games, prior)}
    for name, (n, games, prior) in CASES.items()
]
OUT.write_text("[\n" + ",\n".join(json.dumps(case) for case in cases) + "\n]\n")
