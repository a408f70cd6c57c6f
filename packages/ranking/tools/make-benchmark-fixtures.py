"""Synthetic per-item scores and what the metrics of the benchmarks give on them.

    pip install numpy
    python packages/ranking/tools/make-benchmark-fixtures.py

Writes packages/ranking/src/benchmark-runs/__fixtures__/benchmarks.json. Everything below follows the published definitions
(the scoring code of allenai/reward-bench, ScalerLab/JudgeBench, THU-KEG/RM-Bench, WeOpenML/PandaLM, lmarena/PPE,
GAIR-NLP/auto-j, kimsh0507/RewardMATH_official and for-ai/aya_rm_multilingual, and the scripts that came with GRAM) and not the TypeScript of this package, so that agreement says something. P-values are
computed with integers, means with numpy.
"""

import json
from fractions import Fraction
from math import comb
from pathlib import Path

import numpy as np

OUT = Path(__file__).resolve().parent.parent / "src" / "benchmark-runs" / "__fixtures__" / "benchmarks.json"
random = np.random.default_rng(20250708)


# ---- synthetic results ----------------------------------------------------------------------------------------------


def both_orders(strength):
    """P(first response preferred) when it is shown first and second, of a judge with noise and a liking for places."""
    logit = strength + random.normal(0, 1)
    place = random.normal(0.4, 0.5)
    return [float(1 / (1 + np.exp(-(logit + place)))), float(1 / (1 + np.exp(-(logit - place))))]


def compared(pair, strength, tie=False):
    orders = [0.5, 0.5] if tie else both_orders(strength)
    return {
        "pair": list(pair),
        "probability": (orders[0] + orders[1]) / 2,
        "orders": orders,
        "consistent": np.sign(orders[0] - 0.5) == np.sign(orders[1] - 0.5),
    }


def item(number, subset, preferred, pairs, responses, strength=0.6, tie=False, **more):
    comparisons = [compared(pair, -strength if preferred == "second" else strength, tie) for pair in pairs]
    for one in comparisons:
        one["consistent"] = bool(one["consistent"])
    lengths = [int(value) for value in random.integers(20, 200, responses)]
    # Some pairs of nearly equal length, for the matched group.
    if number % 4 == 0:
        lengths[1] = lengths[0] + int(random.integers(-2, 3))
    return dict(
        id=f"{subset}/{number}",
        subset=subset,
        preferred=preferred,
        lengths=lengths,
        comparisons=comparisons,
        truncated=False,
        **more,
    )


COUNTS = {
    "alpacaeval-easy": 100, "alpacaeval-length": 95, "alpacaeval-hard": 95, "mt-bench-easy": 28, "mt-bench-med": 40,
    "mt-bench-hard": 37, "llmbar-natural": 100, "llmbar-adver-neighbor": 134, "llmbar-adver-GPTInst": 92,
    "llmbar-adver-GPTOut": 47, "llmbar-adver-manual": 46,
    "refusals-dangerous": 100, "refusals-offensive": 100, "xstest-should-refuse": 250, "xstest-should-respond": 154,
    "donotanswer": 136,
    "math-prm": 984, "hep-cpp": 164, "hep-go": 164, "hep-java": 164, "hep-js": 164, "hep-python": 164, "hep-rust": 164,
}  # fmt: skip
SECTIONS = {
    "Chat": ["alpacaeval-easy", "alpacaeval-length", "alpacaeval-hard", "mt-bench-easy", "mt-bench-med"],
    "Chat Hard": ["mt-bench-hard", "llmbar-natural", "llmbar-adver-neighbor", "llmbar-adver-GPTInst",
                  "llmbar-adver-GPTOut", "llmbar-adver-manual"],
    "Safety": ["refusals-dangerous", "refusals-offensive", "xstest-should-refuse", "xstest-should-respond", "donotanswer"],
    "Reasoning": ["math-prm", "hep-cpp", "hep-go", "hep-java", "hep-js", "hep-python", "hep-rust"],
}  # fmt: skip

reward_bench = []
for subset in COUNTS:
    for n in range(int(random.integers(2, 8))):
        reward_bench.append(item(n, subset, "first", [(0, 1)], 2, tie=n == 1 and subset.startswith("hep")))

judge_bench = []
for source in ["mmlu-pro-math", "mmlu-pro-law", "livebench-reasoning", "livebench-math", "livecodebench"]:
    for n in range(int(random.integers(5, 14))):
        preferred = "first" if random.random() < 0.5 else "second"
        one = item(n, source, preferred, [(0, 1)], 2, strength=0.3)
        if n == 3:  # One order right and one tied: right by the official rule.
            right = 0.9 if preferred == "first" else 0.1
            one["comparisons"][0].update(orders=[0.5, right], probability=(0.5 + right) / 2, consistent=False)
        judge_bench.append(one)

rm_bench = []
for domain in ["chat", "code", "math", "safety-refuse", "safety-response"]:
    for n in range(int(random.integers(3, 7))):
        nine = [(i, 3 + j) for i in range(3) for j in range(3)]
        rm_bench.append(item(n, domain, "first", nine, 6, strength=0.4))

rmb = []
for goal in ["Helpfulness", "Harmlessness"]:
    for category in ["A", "B"]:
        for n in range(int(random.integers(4, 9))):
            rmb.append(item(n, f"pairwise/{goal}/{category}", "first", [(0, 1)], 2))
        for n in range(int(random.integers(4, 9))):
            losers = int(random.integers(2, 5))
            pairs = [(0, 1 + loser) for loser in range(losers)]
            rmb.append(item(n, f"best-of-n/{goal}/{category}", "first", pairs, 1 + losers, strength=1.2))

panda_lm = []
for n in range(60):
    label = ["first", "second", "tie"][int(random.integers(3))]
    strength = 0.0 if label == "tie" else 0.9
    panda_lm.append(item(n, "all", label, [(0, 1)], 2, strength=strength, tie=n == 7))

llm_bar = []
for subset in ["natural", "adver-neighbor", "adver-GPTInst", "adver-GPTOut", "adver-manual"]:
    for n in range(int(random.integers(4, 9))):
        llm_bar.append(item(n, subset, "first" if n % 2 else "second", [(0, 1)], 2, strength=0.2))


def round_robin(number, subset, responses, correct, spread):
    pairs = [(i, j) for i in range(responses) for j in range(i + 1, responses)]
    one = item(number, subset, "first", pairs, responses, correctResponses=correct)
    for comparison in one["comparisons"]:
        i, j = comparison["pair"]
        strength = spread * ((i < correct) - float(j < correct))
        orders = both_orders(strength)
        comparison.update(
            orders=orders,
            probability=(orders[0] + orders[1]) / 2,
            consistent=bool(np.sign(orders[0] - 0.5) == np.sign(orders[1] - 0.5)),
        )
    return one


reward_bench_2 = []
for subset in ["Factuality", "Focus", "Math"]:
    for n in range(6):
        reward_bench_2.append(round_robin(n, subset, 4, 1, 0.6))
# Two responses that share the top: half a point for the right one.
for comparison in reward_bench_2[0]["comparisons"]:
    i, j = comparison["pair"]
    level = 0.5 if (i, j) in [(0, 1), (2, 3)] else 0.75
    comparison.update(orders=[level, level], probability=level, consistent=True)
for n in range(8):
    for kind, correct in [("ref", 1), ("tied", 3)]:
        one = round_robin(n, "Ties", correct + 3, correct, 1.3)
        one["id"] = f"Ties/{kind}:{n}"
        reward_bench_2.append(one)


def sigmoid(x):
    return float(1 / (1 + np.exp(-x)))


# What a model says that gives each response a reward: one order, and rewards that the metrics may read below.
scalar_rewards = []
for n in range(8):
    for kind, correct in [("ref", 1), ("tied", 3)]:
        one = round_robin(n, "Ties", correct + 3, correct, 1.0)
        reward = random.normal(0, 0.7, correct + 3) + 1.6 * (np.arange(correct + 3) < correct) - 7
        for comparison in one["comparisons"]:
            i, j = comparison["pair"]
            comparison.update(probability=sigmoid(reward[i] - reward[j]), consistent=True)
            del comparison["orders"]
        one["id"] = f"Ties/{kind}:{n}"
        scalar_rewards.append((one, reward))

# Drawn last: what was drawn before stays as it is.
ppe = []
for n in range(53):
    flags = [flag for flag in ["hard_prompt", "easy_prompt", "if_prompt", "is_code", "math_prompt"] if random.random() < 0.4]
    if "hard_prompt" in flags and "easy_prompt" in flags:
        flags.remove("easy_prompt")
    subset = "hard" if "hard_prompt" in flags else "easy" if "easy_prompt" in flags else "neither"
    preferred = "first" if random.random() < 0.5 else "second"
    ppe.append(item(n, subset, preferred, [(0, 1)], 2, strength=0.3, tie=n == 5, tags=flags))

ppe_correctness = []
for subset in ["mmlu-pro", "math", "gpqa", "mbpp-plus"]:
    for n in range(int(random.integers(4, 8))):
        pairs = [(int(i), int(j)) for i, j in random.choice(6, (int(random.integers(1, 6)), 2), replace=True) if i != j]
        ppe_correctness.append(item(n, subset, "first", pairs or [(0, 1)], 6, strength=0.3, tie=n == 2 and subset == "gpqa"))

m_reward_bench = []
for language in ["deu_Latn", "zho_Hans"]:
    for subset in ["alpacaeval-easy", "mt-bench-med", "llmbar-natural", "xstest-should-refuse", "xstest-should-respond",
                   "math-prm", "hep-cpp", "hep-rust"]:  # fmt: skip
        if language == "zho_Hans" and subset == "llmbar-natural":
            continue
        for n in range(int(random.integers(2, 7))):
            m_reward_bench.append(item(n, language, "first", [(0, 1)], 2, strength=0.3, tags=[subset]))

reward_math = []
for n in range(40):
    reward_math.append(item(n, "Algebra", "first", [(0, 1 + j) for j in range(9)], 10, strength=2.5, tie=n == 3))

auto_j = []
for group in ["Summarization", "Code", "NLP Tasks"]:
    for n in range(int(random.integers(8, 16))):
        label = ["first", "second", "tie"][int(random.integers(3))]
        strength = 0.0 if label == "tie" else 0.9
        auto_j.append(item(n, group, label, [(0, 1)], 2, strength=strength, tie=n == 5))


# ---- the metrics ----------------------------------------------------------------------------------------------------


def probability(result):
    return result["comparisons"][0]["probability"]


def wins(comparison):
    """Whether the first response of the pair has the strictly higher score."""
    return comparison["probability"] > 1 - comparison["probability"]


def loses(comparison):
    return comparison["probability"] < 1 - comparison["probability"]


def right(result):
    return all((wins if result["preferred"] == "first" else loses)(c) for c in result["comparisons"])


def mean(values):
    return float(np.mean([float(value) for value in values]))


def reward_bench_scores(results):
    by_subset = {subset: [right(r) for r in results if r["subset"] == subset] for subset in COUNTS}
    official, authors = {}, {}
    for section, subsets in SECTIONS.items():
        weights = np.array([COUNTS[subset] for subset in subsets], dtype=float)
        accuracies = np.array([mean(by_subset[subset]) for subset in subsets])
        official[section] = float((weights * accuracies).sum() / weights.sum())
        authors[section] = mean([value for subset in subsets for value in by_subset[subset]])
    return dict(
        subsets={subset: mean(values) for subset, values in by_subset.items()},
        official=official,
        authors=authors,
        officialOverall=mean(official.values()),
        authorsOverall=mean(authors.values()),
    )


def judge_bench_scores(results):
    groups = {
        "Knowledge": "mmlu-pro", "Reasoning": "livebench-reasoning", "Math": "livebench-math", "Coding": "livecodebench",
    }  # fmt: skip

    def single(r):
        p = r["comparisons"][0]["orders"][0]
        return p > 0.5 if r["preferred"] == "first" else p < 0.5

    def counter(r):
        sign = 1 if r["preferred"] == "first" else -1
        return sum(sign * np.sign(p - 0.5) for p in r["comparisons"][0]["orders"])

    rules = {
        "single": single,
        "both": lambda r: counter(r) > 0,
        "strict": lambda r: counter(r) == 2,
        "mean": right,
    }
    scores = {}
    for name, rule in rules.items():
        by_group = {g: [rule(r) for r in results if key in r["subset"]] for g, key in groups.items()}
        items = [value for values in by_group.values() for value in values]
        group_means = {g: mean(values) for g, values in by_group.items()}
        scores[name] = dict(
            groups=group_means,
            groupMean=mean(group_means.values()),
            itemMean=mean(items),
            # What the script of the authors prints: items and group accuracies in one list.
            script=mean([*[float(value) for value in items], *group_means.values()]),
        )
    return scores


def rm_bench_scores(results):
    def matrix(part):
        m = np.zeros((3, 3))
        for r in part:
            for c in r["comparisons"]:
                i, j = c["pair"]
                m[i][j - 3] += wins(c)
        return m / len(part)

    def described(part):
        m = matrix(part)
        return dict(
            matrix=m.tolist(),
            hard=mean([m[0][1], m[0][2], m[1][2]]),
            normal=mean([m[0][0], m[1][1], m[2][2]]),
            easy=mean([m[1][0], m[2][0], m[2][1]]),
            accuracy=float(m.mean()),
        )

    domains = {d: described([r for r in results if r["subset"] == d]) for d in ["chat", "code", "math"]}
    parts = {d: [r for r in results if r["subset"] == d] for d in ["safety-refuse", "safety-response"]}
    domains["safety"] = described(parts["safety-refuse"] + parts["safety-response"])
    averaged = mean([described(part)["accuracy"] for part in parts.values()])
    others = [domains[d]["accuracy"] for d in ["chat", "code", "math"]]
    return dict(
        domains=domains,
        overall=mean([*others, domains["safety"]["accuracy"]]),
        safetyAveraged=averaged,
        overallSafetyAveraged=mean([*others, averaged]),
        **{level: mean([domains[d][level] for d in domains]) for level in ["hard", "normal", "easy"]},
    )


def rmb_scores(results):
    parts = {}
    for kind in ["pairwise", "best-of-n"]:
        for goal in ["Helpfulness", "Harmlessness"]:
            part = [right(r) for r in results if r["subset"].startswith(f"{kind}/{goal}/")]
            parts[f"{kind} {goal.lower()}"] = mean(part)
    return dict(parts=parts, overall=mean(parts.values()))


def panda_lm_scores(results):
    classes = ["tie", "first", "second"]

    def predicted(r):
        """A tie unless both orders prefer one response."""
        signs = {int(np.sign(p - 0.5)) for p in r["comparisons"][0]["orders"]}
        return {frozenset([1]): "first", frozenset([-1]): "second"}.get(frozenset(signs), "tie")

    table = np.zeros((3, 3))
    for r in results:
        table[classes.index(r["preferred"])][classes.index(predicted(r))] += 1
    precision, recall, f1 = [], [], []
    for k in range(3):
        hits, said, there = table[k][k], table[:, k].sum(), table[k].sum()
        p = hits / said if said else 0.0
        q = hits / there if there else 0.0
        precision.append(p)
        recall.append(q)
        f1.append(2 * p * q / (p + q) if p + q else 0.0)
    decided = [r for r in results if r["preferred"] != "tie"]
    return dict(
        accuracy=float(np.trace(table) / table.sum()),
        precision=mean(precision),
        recall=mean(recall),
        f1=mean(f1),
        decided=mean([right(r) for r in decided]),
    )


def llm_bar_scores(results):
    def accuracy(r, p):
        return p > 0.5 if r["preferred"] == "first" else p < 0.5

    subsets = {}
    for name in dict.fromkeys(r["subset"] for r in results):
        part = [r for r in results if r["subset"] == name]
        orders = mean([accuracy(r, p) for r in part for p in r["comparisons"][0]["orders"]])
        subsets[name] = (orders, mean([right(r) for r in part]))

    def over(names):
        return dict(orders=mean([subsets[n][0] for n in names]), mean=mean([subsets[n][1] for n in names]))

    adversarial = [name for name in subsets if name != "natural"]
    return dict(
        natural=over(["natural"]),
        adversarial=over(adversarial),
        all=over(list(subsets)),
        pooled=mean([right(r) for r in results]),
    )


def ties_scores(rewards):
    """Of (id, number of correct responses, rewards), as the leaderboard scores a model that gives rewards."""
    ref, tied = {}, {}
    for name, k, s in rewards:
        kind, number = name.split("/")[1].split(":")
        good, bad = s[:k], s[k:]
        (ref if kind == "ref" else tied)[number] = (good.min() > bad.max(), good.max() - good.min(), good.min() - bad.max())
    spread = np.array([tied[n][1] for n in ref])
    gap, gap_ref = np.array([tied[n][2] for n in ref]), np.array([ref[n][2] for n in ref])
    margin = np.tanh(np.minimum(gap, gap_ref) / spread - 1)
    ties = dict(
        refAccuracy=mean([v[0] for v in ref.values()]),
        tiedAccuracy=mean([v[0] for v in tied.values()]),
        preferred=mean(gap > spread),
        preferredHard=mean(np.minimum(gap, gap_ref) > spread),
        margin=mean(margin),
    )
    ties["overall"] = (
        0.3 * ties["tiedAccuracy"]
        + 0.3 * ties["refAccuracy"]
        + 0.2 * ties["preferred"]
        + 0.2 * ties["preferredHard"]
        + 0.01 * ties["margin"]
    )
    return ties


def ppe_scores(results):
    """Accuracy on all pairs that have a winner, and on the prompts of each flag, whichever other flags they have."""
    flags = {
        "Hard prompts": "hard_prompt", "Easy prompts": "easy_prompt", "Instruction following": "if_prompt",
        "Code": "is_code", "Math": "math_prompt",
    }  # fmt: skip
    groups = {name: mean([right(r) for r in results if flag in r["tags"]]) for name, flag in flags.items()}
    return {"All pairs": mean([right(r) for r in results]), **groups}


def ppe_correctness_scores(results):
    """Accuracy over all pairs of a set, and the mean of the sets."""
    accuracy = {}
    for name in ["mmlu-pro", "math", "gpqa", "ifeval", "mbpp-plus"]:
        pairs = [wins(c) for r in results if r["subset"] == name for c in r["comparisons"]]
        if pairs:
            accuracy[name] = mean(pairs)
    return {**accuracy, "overall": mean(list(accuracy.values()))}


def m_reward_bench_scores(results):
    """Weighted means of the subsets of a section that there are, in each language; then the means of the languages."""
    counts = {**COUNTS, "xstest-should-refuse": 154, "xstest-should-respond": 250}
    languages = {}
    for language in dict.fromkeys(r["subset"] for r in results):
        scores = {}
        for section, subsets in SECTIONS.items():
            parts = {
                subset: [right(r) for r in results if r["subset"] == language and r["tags"] == [subset]] for subset in subsets
            }
            parts = {subset: mean(part) for subset, part in parts.items() if part}
            if parts:
                total = sum(counts[subset] for subset in parts)
                scores[section] = sum(counts[subset] * value for subset, value in parts.items()) / total
        languages[language] = {**scores, "Overall": mean(list(scores.values()))}
    names = [*SECTIONS, "Overall"]
    means = {name: mean([scores[name] for scores in languages.values() if name in scores]) for name in names}
    return {**languages, "mean": means}


def reward_math_scores(results):
    """The script of the authors for pairs: the chosen solution has 1 + its wins, the others 1 if it won, else the most."""
    accuracy, ranks = [], []
    for r in results:
        won = [wins(c) for c in r["comparisons"]]
        chosen, others = sum(won) + 1, [1 if x else len(won) + 2 for x in won]
        accuracy.append(chosen > max(others))
        ordered = sorted([(score, "rej") for score in others] + [(chosen, "cho")], reverse=True)
        ranks.append(1 / (1 + [kind for _, kind in ordered].index("cho")))
    return {"accuracy": mean(accuracy), "meanReciprocalRank": mean(ranks)}


def auto_j_scores(results):
    def said(order):
        return "first" if order > 0.5 else "second" if order < 0.5 else "tie"

    scores = {}
    for group in [*dict.fromkeys(r["subset"] for r in results), "Overall"]:
        rows = [
            (r["preferred"], *map(said, r["comparisons"][0]["orders"]), right(r))
            for r in results
            if group in ("Overall", r["subset"])
        ]
        scores[group] = {
            "agreement": mean([label == one == two for label, one, two, _ in rows]),
            "consistency": mean([one == two for _, one, two, _ in rows]),
            "decided": mean([correct for label, _, _, correct in rows if label != "tie"]),
        }
    return scores


def fitted_rewards(r):
    """Rewards with mean 0 whose differences are closest to the log-odds of the comparisons."""
    n, pairs = len(r["lengths"]), [c["pair"] for c in r["comparisons"]]
    equations = np.array([[(k == i) - float(k == j) for k in range(n)] for i, j in pairs] + [[1.0] * n])
    odds = [np.log(c["probability"] / (1 - c["probability"])) for c in r["comparisons"]] + [0.0]
    return np.linalg.lstsq(equations, np.array(odds), rcond=None)[0]


def reward_bench_2_scores(results):
    def scores(r):
        n = len(r["lengths"])
        total = np.zeros(n)
        for c in r["comparisons"]:
            i, j = c["pair"]
            total[i] += c["probability"]
            total[j] += 1 - c["probability"]
        return total / (n - 1)

    def best_of(r):
        s = scores(r)
        top = s.max()
        return 1 / (s == top).sum() if s[0] == top else 0.0

    subsets = {}
    for subset in ["Factuality", "Focus", "Math"]:
        subsets[subset] = mean([best_of(r) for r in results if r["subset"] == subset])
    ties = ties_scores(
        [(r["id"], r["correctResponses"], fitted_rewards(r)) for r in results if r["subset"] == "Ties"]
    )
    subsets["Ties"] = ties["overall"]
    return dict(subsets=subsets, ties=ties, overall=mean(subsets.values()))


def calibration(results, bins):
    """Expected calibration error over bins of the confidence in [0.5, 1], open below but for the first."""
    rows = []
    for r in results:
        p = probability(r)
        rows.append((max(p, 1 - p), right(r)))
    edges = [0.5 + 0.5 * k / bins for k in range(bins + 1)]
    total = 0.0
    for k in range(bins):
        inside = [(c, ok) for c, ok in rows if (edges[k] < c <= edges[k + 1]) or (k == 0 and c == 0.5)]
        if inside:
            total += len(inside) * abs(mean([ok for _, ok in inside]) - mean([c for c, _ in inside]))
    return total / len(rows)


def by_length(results):
    groups = {"shorter": [], "longer": [], "matched": []}
    for r in results:
        better, worse = r["lengths"] if r["preferred"] == "first" else r["lengths"][::-1]
        # Integers: exact where a difference is just a tenth.
        if 10 * abs(better - worse) <= max(better, worse):
            name = "matched"
        else:
            name = "shorter" if better < worse else "longer"
        groups[name].append(right(r))
    scores = {name: mean(values) for name, values in groups.items()}
    return dict(scores, balanced=(scores["shorter"] + scores["longer"]) / 2)


def mcnemar(only_a, only_b):
    n = only_a + only_b
    tail = sum(comb(n, k) for k in range(min(only_a, only_b) + 1))
    return float(min(Fraction(1), Fraction(2 * tail, 2**n)))


places = [r["comparisons"][0]["orders"] for r in judge_bench]
expected = dict(
    rewardBench=reward_bench_scores(reward_bench),
    judgeBench=judge_bench_scores(judge_bench),
    rmBench=rm_bench_scores(rm_bench),
    rmb=rmb_scores(rmb),
    pandaLm=panda_lm_scores(panda_lm),
    llmBar=llm_bar_scores(llm_bar),
    rewardBench2=reward_bench_2_scores(reward_bench_2),
    ppe=ppe_scores(ppe),
    ppeCorrectness=ppe_correctness_scores(ppe_correctness),
    mRewardBench=m_reward_bench_scores(m_reward_bench),
    rewardMath=reward_math_scores(reward_math),
    autoJ=auto_j_scores(auto_j),
    scalarTies=ties_scores([(r["id"], r["correctResponses"], reward) for r, reward in scalar_rewards]),
    calibration={str(bins): calibration(reward_bench, bins) for bins in [10, 15]},
    length=by_length(judge_bench),
    order=dict(
        inBothOrders=len(places),
        consistency=mean([r["comparisons"][0]["consistent"] for r in judge_bench]),
        bias=mean([first - second for first, second in places]),
        absoluteBias=mean([abs(first - second) for first, second in places]),
    ),
    mcnemar=[
        [a, b, mcnemar(a, b)] for a, b in [(0, 0), (0, 1), (3, 9), (9, 3), (10, 10), (40, 71), (500, 640), (3000, 2700)]
    ],
)
results = dict(
    rewardBench=reward_bench,
    judgeBench=judge_bench,
    rmBench=rm_bench,
    rmb=rmb,
    pandaLm=panda_lm,
    llmBar=llm_bar,
    rewardBench2=reward_bench_2,
    scalarRewards=[r for r, _ in scalar_rewards],
    ppe=ppe,
    ppeCorrectness=ppe_correctness,
    mRewardBench=m_reward_bench,
    rewardMath=reward_math,
    autoJ=auto_j,
)


def lines(name, items):
    return f'"{name}": [\n' + ",\n".join(json.dumps(one, separators=(",", ":")) for one in items) + "\n]"


OUT.parent.mkdir(parents=True, exist_ok=True)
blocks = ",\n".join(lines(name, items) for name, items in results.items())
OUT.write_text(f'{{"results": {{\n{blocks}\n}},\n"expected": {json.dumps(expected, indent=1)}\n}}\n')
