"""Reads what saveModel and saveAdapter wrote with Hugging Face transformers and PEFT, for src/python.test.ts.

    pip install torch transformers peft
    python packages/model/tools/check-saved.py jobs.json

jobs.json has `tokens`, `models`: a list of `path`, `head` and perhaps `adapter`, and `tokenizer`: `path`, `texts` and
`messages`. Prints one JSON object: for each model what did not fit, and its logits or scores in float32 arithmetic;
for the tokenizer the ids of the texts, and the conversation as text and ids.
"""

import json
import sys

import torch
from peft import PeftModel, get_peft_model_state_dict
from safetensors import safe_open
from transformers import AutoConfig, AutoModelForCausalLM, AutoModelForSequenceClassification, AutoTokenizer

AUTO = {"next-token": AutoModelForCausalLM, "score": AutoModelForSequenceClassification}


def keys_of(path):
    with safe_open(path, "pt") as file:
        return set(file.keys())


@torch.no_grad()
def check_model(tokens, path, head, adapter=None):
    model, info = AUTO[head].from_pretrained(path, dtype=torch.float32, output_loading_info=True)
    # A weight that is made up because the files have none is among the missing keys.
    problems = {key: sorted(map(str, found)) for key, found in info.items() if found}
    # A model that scores has none.
    generation = getattr(model, "generation_config", None)
    if adapter is not None:
        model = PeftModel.from_pretrained(model, adapter)
        held = set(get_peft_model_state_dict(model))
        unlike = held ^ keys_of(f"{adapter}/adapter_model.safetensors")
        if unlike:
            problems["adapter"] = sorted(unlike)
    return dict(
        problems=problems,
        dtype=str(AutoConfig.from_pretrained(path).dtype),
        ends=generation.eos_token_id if generation else None,
        outputs=model.eval()(torch.tensor(tokens)).logits.flatten().tolist(),
    )


def check_tokenizer(path, texts, messages):
    tokenizer = AutoTokenizer.from_pretrained(path)
    return dict(
        ids=[tokenizer(text).input_ids for text in texts],
        decoded=[tokenizer.decode(tokenizer(text).input_ids) for text in texts],
        chat=tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True),
        chatIds=tokenizer.apply_chat_template(messages, add_generation_prompt=True, return_dict=False),
        inputs=sorted(tokenizer(texts, padding=True)),
        special=[tokenizer.bos_token, tokenizer.eos_token, tokenizer.pad_token],
        maxLength=tokenizer.model_max_length,
    )


with open(sys.argv[1]) as file:
    jobs = json.load(file)
models = [check_model(jobs["tokens"], **job) for job in jobs["models"]]
json.dump(dict(models=models, tokenizer=check_tokenizer(**jobs["tokenizer"])), sys.stdout)
