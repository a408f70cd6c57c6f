"""Writes what Hugging Face's Python library makes of our byte-level BPE.

Needs `pip install tokenizers`. Run from the folder of the package:

    python tools/bpe-fixture.py

Reads  src/bpe/__fixtures__/corpus.json     {"train": [text], "encode": [text]}
       src/bpe/__fixtures__/tokenizer.json  trained on "train" by trainBpe (the tests write and check it)
Writes src/bpe/__fixtures__/expected.json   the ids of each text in "encode", and the vocabulary and merges that
       the library's own trainer learns from "train" with the same pre-tokenizer
"""

import json
from pathlib import Path

from tokenizers import Tokenizer, models, pre_tokenizers, trainers

folder = Path(__file__).resolve().parent.parent / "src" / "bpe" / "__fixtures__"
corpus = json.loads((folder / "corpus.json").read_text("utf-8"))
ours = Tokenizer.from_file(str(folder / "tokenizer.json"))
special = [token.content for _, token in sorted(ours.get_added_tokens_decoder().items())]

theirs = Tokenizer(models.BPE())
theirs.pre_tokenizer = ours.pre_tokenizer
trainer = trainers.BpeTrainer(
    vocab_size=ours.get_vocab_size(),
    min_frequency=2,
    special_tokens=special,
    initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
    show_progress=False,
)
theirs.train_from_iterator(corpus["train"], trainer)
model = json.loads(theirs.to_str())["model"]

ids = []
for text in corpus["encode"]:
    encoding = ours.encode(text, add_special_tokens=False)
    assert ours.decode(encoding.ids, skip_special_tokens=False) == text, text
    ids.append(encoding.ids)

expected = {
    "vocab": sorted(model["vocab"], key=model["vocab"].get),
    "merges": [" ".join(merge) for merge in model["merges"]],
    "ids": ids,
}
with open(folder / "expected.json", "w", encoding="utf-8") as file:
    json.dump(expected, file, ensure_ascii=True)
    file.write("\n")
