"""
The PyTorch side of the engine benchmark: one Llama decoder on CPU, plain PyTorch, no other library.

    python llama.py --config 28m --task train --batch 4 --length 256 --steps 5 --threads 2

Prints one JSON line. With --watch the model is loaded once and every line {"run": N} on stdin is
answered with one line about N more steps, so that a caller can alternate two systems on a noisy
machine; between requests this process sleeps.
"""

import argparse
import ctypes
import json
import math
import resource
import statistics
import sys
import time
import warnings
from dataclasses import dataclass
from importlib import metadata

import torch
import torch.nn.functional as F
from torch import nn


@dataclass(frozen=True)
class Config:
    vocab: int
    hidden: int
    intermediate: int
    layers: int
    heads: int
    kv_heads: int
    head_dim: int = 64
    eps: float = 1e-5
    theta: float = 10_000.0
    tied: bool = True


CONFIGS = {
    "28m": Config(8192, 512, 1408, 8, 8, 4),
    "135m": Config(49152, 576, 1536, 30, 9, 3),
}


class FewRows(nn.Linear):
    """
    Inference with few tokens at a time. F.linear then gets a kernel that reads the weight slowly,
    for one row on one thread; as a batch of products with the weight on the left, a block a thread,
    MKL reads it several times faster (AMD Zen 4, rows 1 to 4). From about 8 rows on they are even.
    """

    def forward(self, x):
        rows, blocks = x.numel() // self.in_features, max(2, torch.get_num_threads())
        if rows > 8 or self.out_features % blocks or x.dtype != torch.float32:
            return F.linear(x, self.weight)
        columns = x.reshape(rows, -1).T.expand(blocks, -1, -1)
        product = torch.bmm(self.weight.view(blocks, -1, self.in_features), columns)
        return product.view(-1, rows).T.reshape(*x.shape[:-1], -1)


class Layer(nn.Module):
    def __init__(self, c: Config, linear=nn.Linear):
        super().__init__()
        self.c = c
        self.attention_norm = nn.Parameter(torch.ones(c.hidden))
        self.mlp_norm = nn.Parameter(torch.ones(c.hidden))
        # One product for query, key and value and one for gate and up: fewer, larger products.
        self.qkv = linear(c.hidden, (c.heads + 2 * c.kv_heads) * c.head_dim, bias=False)
        self.out = linear(c.heads * c.head_dim, c.hidden, bias=False)
        self.gate_up = linear(c.hidden, 2 * c.intermediate, bias=False)
        self.down = linear(c.intermediate, c.hidden, bias=False)

    def forward(self, x, cos, sin, cache=None, position=0):
        c, (rows, length, _) = self.c, x.shape
        h = F.rms_norm(x, (c.hidden,), self.attention_norm, c.eps)
        qkv = self.qkv(h).view(rows, length, -1, c.head_dim)
        rotated, v = qkv.split((c.heads + c.kv_heads, c.kv_heads), dim=2)
        # Query and key heads lie side by side, so one call rotates both.
        first, second = rotated.chunk(2, dim=-1)
        rotated = torch.cat((first * cos - second * sin, second * cos + first * sin), dim=-1)
        q, k = rotated.transpose(1, 2).split((c.heads, c.kv_heads), dim=1)
        v = v.transpose(1, 2)
        if cache is not None:
            end = position + length
            cache[0][:, :, position:end] = k
            cache[1][:, :, position:end] = v
            # Reads the filled part only: the cache never moves and needs no mask.
            k, v = cache[0][:, :, :end], cache[1][:, :, :end]
        # A single query sees the whole cache; is_causal would align it with the first key.
        h = F.scaled_dot_product_attention(q, k, v, is_causal=length > 1, enable_gqa=True)
        x = x + self.out(h.transpose(1, 2).reshape(rows, length, -1))
        h = F.rms_norm(x, (c.hidden,), self.mlp_norm, c.eps)
        gate, up = self.gate_up(h).chunk(2, dim=-1)
        return x + self.down(F.silu(gate) * up)


class Llama(nn.Module):
    def __init__(self, c: Config, positions: int, linear=nn.Linear):
        super().__init__()
        self.c = c
        self.embedding = nn.Embedding(c.vocab, c.hidden)
        self.layers = nn.ModuleList(Layer(c, linear) for _ in range(c.layers))
        self.norm = nn.Parameter(torch.ones(c.hidden))
        self.head = linear(c.hidden, c.vocab, bias=False)
        frequency = c.theta ** (-torch.arange(0, c.head_dim, 2) / c.head_dim)
        angle = torch.outer(torch.arange(positions), frequency)[:, None]  # broadcasts over heads
        self.register_buffer("cos", angle.cos(), persistent=False)
        self.register_buffer("sin", angle.sin(), persistent=False)
        for name, weight in self.named_parameters():
            if weight.dim() == 2:
                # What writes into the residual stream is scaled down by the depth, as in GPT-2.
                residual = name.endswith(("out.weight", "down.weight"))
                nn.init.normal_(weight, std=0.02 / math.sqrt(2 * c.layers) if residual else 0.02)
        if c.tied:
            self.head.weight = self.embedding.weight

    def forward(self, tokens, cache=None, position=0):
        """The normed hidden states; the head is the caller's, who knows which positions it needs."""
        x = self.embedding(tokens)
        end = position + tokens.shape[1]
        cos, sin = self.cos[position:end], self.sin[position:end]
        for i, layer in enumerate(self.layers):
            x = layer(x, cos, sin, cache[i] if cache is not None else None, position)
        return F.rms_norm(x, (self.c.hidden,), self.norm, self.c.eps)


def train_step(model: Llama, args):
    tokens = torch.randint(model.c.vocab, (args.batch, args.length))
    targets = tokens[:, 1:].reshape(-1)
    parameters = list(model.parameters())
    optimizer = torch.optim.AdamW(parameters, lr=3e-4, fused=True)

    def step():
        optimizer.zero_grad(set_to_none=True)
        with torch.autocast("cpu", torch.bfloat16, enabled=args.bf16):
            # The last position predicts nothing: cut before the head, where the copy is small.
            logits = model.head(model(tokens)[:, :-1].reshape(-1, model.c.hidden))
        loss = F.cross_entropy(logits.float(), targets)
        loss.backward()
        nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        return loss.item()

    return step


def prefill_step(model: Llama, args):
    tokens = torch.randint(model.c.vocab, (args.batch, args.length))
    return lambda: model.head(model(tokens)[:, -1])


def decode_step(model: Llama, args):
    """Steps at positions T, T + 1, ...; back to T after --steps of them, so every run is alike."""
    c = model.c
    shape = (args.batch, c.kv_heads, args.length + args.steps, c.head_dim)
    dtype = model.embedding.weight.dtype
    cache = [torch.zeros((2, *shape), dtype=dtype) for _ in range(c.layers)]  # keys, values
    model(torch.randint(c.vocab, (args.batch, args.length)), cache)
    # Tokens drawn ahead: choosing the next one is the sampler's time, not the model's.
    tokens = torch.randint(c.vocab, (args.steps, args.batch, 1))
    done = -1  # the warm-up step does not count

    def step():
        nonlocal done
        i = max(done, 0) % args.steps
        done += 1
        return model.head(model(tokens[i], cache, args.length + i)[:, -1])

    return step


def quantized(model: Llama):
    """8-bit weights and dynamic 8-bit activations in every nn.Linear, the head among them."""
    engines = torch.backends.quantized.supported_engines
    if "onednn" in engines:
        # The default takes fbgemm for dynamic products, several times slower where VNNI is there.
        torch.backends.quantized.engine = "onednn"
    return torch.ao.quantization.quantize_dynamic(model, {nn.Linear}, dtype=torch.qint8)


def peak_memory() -> int:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def versions(*packages):
    """The versions of torch, transformers and other packages, as a text."""
    names = ("torch", "transformers", *packages)
    return ", ".join(f"{name} {metadata.version(name)}" for name in names)


def keep_memory():
    """
    Lets the allocator keep large blocks. By default glibc returns every block over 32 MB to the
    system when freed, so each step would fault its activations in again; the PyTorch tuning guide
    preloads another allocator for the same reason.
    """
    if sys.platform == "linux":
        try:
            mallopt = ctypes.CDLL(None).mallopt
        except AttributeError:  # another libc
            return
        mallopt(-4, 0)  # M_MMAP_MAX: no block of its own for a large request
        mallopt(-1, -1)  # M_TRIM_THRESHOLD: nothing goes back


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--config", choices=CONFIGS, required=True)
    parser.add_argument("--task", choices=("train", "prefill", "decode", "int8-prefill"), required=True)
    parser.add_argument("--batch", type=int, default=1)
    parser.add_argument("--length", type=int, default=256)
    parser.add_argument("--steps", type=int, default=5)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    # Training: autocast over float32 weights. Inference: the weights themselves.
    parser.add_argument("--bf16", action="store_true")
    parser.add_argument("--watch", action="store_true")
    args = parser.parse_args()

    keep_memory()
    warnings.filterwarnings("ignore")  # deprecation notes of the quantization module
    torch.set_num_threads(args.threads)
    torch.manual_seed(1)
    train = args.task == "train"

    linear = FewRows if args.task in ("prefill", "decode") else nn.Linear
    model = Llama(CONFIGS[args.config], args.length + args.steps, linear)
    parameters = sum(weight.numel() for weight in model.parameters())  # a tied weight counts once
    if args.task == "int8-prefill":
        try:
            if args.bf16:
                raise ValueError("dynamic quantization takes float32 activations")
            model = quantized(model)
        except Exception as error:  # whatever this build of torch lacks
            print(json.dumps({"unavailable": str(error)}), flush=True)
            return
    elif args.bf16 and not train:
        model = model.to(torch.bfloat16)

    def run(step, count: int):
        seconds, result = [], None
        for _ in range(count):
            start = time.perf_counter()
            result = step()
            seconds.append(time.perf_counter() - start)
        per_step = statistics.median(seconds)
        line = {
            "task": args.task,
            "config": args.config,
            "batch": args.batch,
            "length": args.length,
            "parameters": parameters,
            "secondsPerStep": per_step,
            "seconds": seconds,
            "tokensPerSecond": args.batch * (1 if args.task == "decode" else args.length) / per_step,
            "peakMemoryBytes": peak_memory(),
            "version": f"torch {torch.__version__}",
        }
        if train:
            line["loss"] = result
        print(json.dumps(line), flush=True)

    prepare = {"train": train_step, "decode": decode_step}.get(args.task, prefill_step)
    with torch.inference_mode(not train):
        step = prepare(model, args)
        step()  # warm-up
        if not args.watch:
            run(step, args.steps)
            return
        for request in sys.stdin:
            if request.strip():
                run(step, json.loads(request)["run"])


if __name__ == "__main__":
    main()
