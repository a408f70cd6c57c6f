"""Random LoRA adapters as PEFT saves them, with the numbers that it computes for them.

    pip install torch transformers peft
    python packages/model/tools/make-lora-fixtures.py

Adapts models that make-model-fixtures.py made, and writes to packages/model/src/lora/__fixtures__ the adapter and
expected.json with tokens, logits or rewards, and the gradients of the adapter.
"""

import json
import shutil
from pathlib import Path

import torch
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM, AutoModelForSequenceClassification

SRC = Path(__file__).resolve().parent.parent / "src"
OUT = SRC / "lora" / "__fixtures__"
ALL = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
VARIANTS = {
    "qwen2": (AutoModelForCausalLM, dict(task_type="CAUSAL_LM", target_modules=["v_proj", "q_proj", "down_proj"])),
    "qwen3-reward": (AutoModelForSequenceClassification, dict(task_type="SEQ_CLS", target_modules=ALL, use_rslora=True)),
}


def flat(tensor):
    return [float(f"{value:.8g}") for value in tensor.detach().flatten().tolist()]


torch.manual_seed(2)
tokens = torch.randint(1, 40, (2, 11))

for name, (auto, changes) in VARIANTS.items():
    base = auto.from_pretrained(SRC / "__fixtures__" / name, dtype=torch.float32, attn_implementation="eager")
    model = get_peft_model(base, LoraConfig(r=3, lora_alpha=6, **changes)).eval()
    # Not the path on the machine that makes the fixture.
    model.peft_config["default"].base_model_name_or_path = name
    for key, parameter in model.named_parameters():
        if "lora_" in key:
            torch.nn.init.normal_(parameter, 0, 0.3)
    out = model(tokens)
    # Any scalar of all outputs will do.
    loss = (out.logits * torch.linspace(-1, 1, out.logits.numel()).reshape(out.logits.shape)).sum()
    loss.backward()
    strip = lambda key: key.replace("base_model.model.", "").replace(".default", "").replace("modules_to_save.", "")
    gradients = {strip(key): flat(p.grad) for key, p in model.named_parameters() if p.requires_grad}
    shutil.rmtree(OUT / name, ignore_errors=True)
    model.save_pretrained(OUT / name)
    (OUT / name / "README.md").unlink(missing_ok=True)
    expected = dict(tokens=tokens.tolist(), logits=flat(out.logits), gradients=gradients)
    (OUT / name / "expected.json").write_text(json.dumps(expected))
