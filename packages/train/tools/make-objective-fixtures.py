"""Loss and gradients of every objective, as PyTorch computes them on tiny models of Hugging Face transformers.

    pip install torch transformers
    python packages/train/tools/make-objective-fixtures.py

Reads models of packages/model/src/__fixtures__ and writes packages/train/src/objectives/__fixtures__/expected.json: the
examples, heads of ours, and for each case the loss, the gradients of all vectors and of the score head, and the norms of the
gradients of all matrices. All arithmetic is float64, one sequence at a time: no padding can take part.
"""

import json
from pathlib import Path

import torch
from torch.nn.functional import cross_entropy, logsigmoid
from transformers import AutoModelForCausalLM, AutoModelForSequenceClassification

PACKAGES = Path(__file__).resolve().parent.parent.parent
MODELS = PACKAGES / "model" / "src" / "__fixtures__"
OUT = PACKAGES / "train" / "src" / "objectives" / "__fixtures__" / "expected.json"
LABELS = [5, 9]

torch.manual_seed(0)


def ids(length):
    return torch.randint(1, 40, (length,)).tolist()


def pair(prompt, chosen, rejected):
    shared = ids(prompt)
    side = lambda length: dict(ids=shared + ids(length), lossFrom=prompt)
    return dict(chosen=side(chosen), rejected=side(rejected))


judged = [dict(ids=ids(n), label=label) for n, label in [(14, 0), (9, 1), (20, 1)]]
pairs = [pair(4, 3, 9), pair(7, 5, 2), pair(3, 8, 8)]
margins = [0.5, 0.0, 2.25]
written = [dict(ids=ids(12), lossFrom=4), dict(ids=ids(17), lossFrom=9)]
# What a reference model would say of the pairs, any numbers near those of the models.
references = [dict(chosen=-16.5, rejected=-44.0), dict(chosen=-25.0, rejected=-9.75), dict(chosen=-41.0, rejected=-40.5)]


def rounded(tensor):
    return tensor.detach().float().flatten().tolist()


def linear_head(width):
    return {"score.weight": torch.randn(1, width) * 0.3}


def mlp_head(width, hidden=5):
    shapes = {"score.0.weight": (hidden, width), "score.0.bias": (hidden,), "score.2.weight": (1, hidden), "score.2.bias": (1,)}
    return {name: torch.randn(shape) * 0.3 for name, shape in shapes.items()}


heads = dict(linear=linear_head(32), mlp=mlp_head(32))


class Model:
    """A decoder with its next-token head, or with a score head, or both; weights under the names of the files."""

    def __init__(self, name, head=None):
        auto = AutoModelForSequenceClassification if name.endswith("reward") else AutoModelForCausalLM
        self.of = auto.from_pretrained(MODELS / name, dtype=torch.float32, attn_implementation="eager").double().eval()
        self.head = {key: value.double().requires_grad_() for key, value in (heads[head] if head else {}).items()}
        self.parameters = dict(self.of.named_parameters()) | self.head

    def states(self, tokens):
        return self.of.model(torch.tensor([tokens])).last_hidden_state[0]

    def logits(self, tokens):
        return self.of.lm_head(self.states(tokens))

    def reward(self, tokens):
        h = self.states(tokens)[-1]
        if not self.head:
            return self.of.score(h)[0]
        if "score.weight" in self.head:
            return (self.head["score.weight"] @ h)[0]
        inner = torch.relu(self.head["score.0.weight"] @ h + self.head["score.0.bias"])
        return (self.head["score.2.weight"] @ inner + self.head["score.2.bias"])[0]

    def log_probability(self, side):
        logits = self.logits(side["ids"])[side["lossFrom"] - 1 : -1]
        return -cross_entropy(logits, torch.tensor(side["ids"][side["lossFrom"] :]), reduction="sum")


def smoothed(margin, eps):
    return -(1 - eps) * logsigmoid(margin) - eps * logsigmoid(-margin)


def preference(model, labelSmoothing=0.1, vocabulary="labels"):
    eps, losses = labelSmoothing, []
    for example in judged:
        logits = model.logits(example["ids"])[-1]
        among = logits if vocabulary == "full" else logits[LABELS]
        logs = torch.log_softmax(among, 0)[LABELS] if vocabulary == "full" else torch.log_softmax(among, 0)
        right = example["label"]
        losses.append(-(1 - eps) * logs[right] - eps * logs[1 - right])
    return torch.stack(losses).mean()


def bradley_terry(model, labelSmoothing=0, margin=False, positiveRegularization=0):
    better = torch.stack([model.reward(p["chosen"]["ids"]) for p in pairs])
    worse = torch.stack([model.reward(p["rejected"]["ids"]) for p in pairs])
    difference = better - worse - (torch.tensor(margins) if margin else 0)
    return smoothed(difference, labelSmoothing).mean() - positiveRegularization * logsigmoid(better.mean())


def log_ratio(model, p, reference):
    own = model.log_probability(p["chosen"]) - model.log_probability(p["rejected"])
    return own - (reference["chosen"] - reference["rejected"])


def direct_preference(model, beta=0.1, labelSmoothing=0):
    ratios = torch.stack([log_ratio(model, p, r) for p, r in zip(pairs, references)])
    return smoothed(beta * ratios, labelSmoothing).mean()


def simple_preference(model, beta=2, margin=0, labelSmoothing=0):
    length = lambda side: len(side["ids"]) - side["lossFrom"]
    mean = lambda side: model.log_probability(side) / length(side)
    differences = torch.stack([mean(p["chosen"]) - mean(p["rejected"]) for p in pairs])
    return smoothed(beta * differences - margin, labelSmoothing).mean()


def generalizable_reward(model, regularizer, weight=0.01, beta=0.1):
    ranking = bradley_terry(model)
    if regularizer == "sft":
        kept = torch.stack([model.log_probability(p["chosen"]) for p in pairs])
    else:
        kept = torch.stack([log_ratio(model, p, r) for p, r in zip(pairs, references)])
    return (1 - weight) * ranking - weight * logsigmoid(beta * kept).mean()


def token_generation(model):
    tokens = sum(len(example["ids"]) - example["lossFrom"] for example in written)
    return -sum(model.log_probability(example) for example in written) / tokens


OBJECTIVES = {
    "preference": preference,
    "bradleyTerry": bradley_terry,
    "directPreference": direct_preference,
    "simplePreference": simple_preference,
    "generalizableReward": generalizable_reward,
    "tokenGeneration": token_generation,
}
TIED, UNTIED = "llama-tied-grouped", "llama-untied-ungrouped"
CASES = [
    ("preference", UNTIED, None, dict(labelSmoothing=0)),
    ("preference", TIED, None, dict(labelSmoothing=0.1)),
    ("preference", UNTIED, None, dict(labelSmoothing=0, vocabulary="full")),
    ("preference", TIED, None, dict(labelSmoothing=0.1, vocabulary="full")),
    ("bradleyTerry", "qwen3-reward", None, {}),
    ("bradleyTerry", "llama-reward", None, dict(labelSmoothing=0.1)),
    ("bradleyTerry", "qwen3-reward", None, dict(margin=True)),
    ("bradleyTerry", "llama-reward", None, dict(positiveRegularization=0.1)),
    ("bradleyTerry", "qwen3-reward", None, dict(labelSmoothing=0.05, margin=True, positiveRegularization=0.3)),
    ("bradleyTerry", TIED, "mlp", {}),
    ("generalizableReward", UNTIED, "mlp", dict(regularizer="sft")),
    ("generalizableReward", TIED, "linear", dict(regularizer="sft", weight=0.3, beta=0.05)),
    ("generalizableReward", UNTIED, "linear", dict(regularizer="dpo", weight=0.4)),
    ("directPreference", TIED, None, {}),
    ("directPreference", UNTIED, None, dict(beta=0.3, labelSmoothing=0.1)),
    ("simplePreference", TIED, None, {}),
    ("simplePreference", UNTIED, None, dict(beta=2.5, margin=0.8, labelSmoothing=0.1)),
    ("tokenGeneration", UNTIED, None, {}),
]


def case(kind, name, head, options):
    model = Model(name, head)
    loss = OBJECTIVES[kind](model, **options)
    loss.backward()
    grads = {key: p.grad for key, p in model.parameters.items() if p.grad is not None}
    shown = {key: grad for key, grad in grads.items() if grad.dim() == 1 or key.startswith("score")}
    return dict(
        kind=kind,
        model=name,
        head=head,
        options=options,
        loss=loss.item(),
        gradients={key: rounded(grad) for key, grad in shown.items()},
        norms={key: grad.norm().item() for key, grad in grads.items() if key not in shown},
    )


def sums(name):
    model = Model(name)
    return [{side: model.log_probability(p[side]).item() for side in ("chosen", "rejected")} for p in pairs]


expected = dict(
    labels=LABELS,
    judged=judged,
    pairs=pairs,
    margins=margins,
    written=written,
    references=references,
    heads={kind: {key: dict(shape=list(w.shape), data=rounded(w)) for key, w in head.items()} for kind, head in heads.items()},
    cases=[case(*arguments) for arguments in CASES],
    logProbabilities={name: sums(name) for name in (TIED, UNTIED)},
)
OUT.parent.mkdir(exist_ok=True)
OUT.write_text(json.dumps(expected))
