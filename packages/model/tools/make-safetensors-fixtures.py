"""Writes the fixtures of src/safetensors with the reference implementation.

    pip install 'safetensors>=0.8' numpy
    python packages/model/tools/make-safetensors-fixtures.py

Each file has its expected float32 bits, computed here with numpy, in `expected.json`.
"""

import json
from pathlib import Path

import numpy as np
from safetensors import TensorSpec, serialize_file

FOLDER = Path(__file__).parent.parent / "src" / "safetensors" / "__fixtures__"

# Zeros, ones, smallest and largest subnormal, smallest normal, largest finite, infinities, quiet NaN with payload,
# and an ordinary number of each sign.
HALF = [0x0000, 0x8000, 0x3C00, 0xBC00, 0x0001, 0x8001, 0x03FF, 0x0200, 0x0400, 0x7BFF, 0x7C00, 0xFC00, 0x7E01, 0x3555]
BRAIN = [0x0000, 0x8000, 0x3F80, 0xBF80, 0x0001, 0x8001, 0x007F, 0x0040, 0x0080, 0x7F7F, 0x7F80, 0xFF80, 0x7FC1, 0x3EAB]


def bits_of_half(values):
    """float32 bits of half precision values, by numpy's conversion."""
    return np.array(values, np.uint16).view(np.float16).astype(np.float32).view(np.uint32)


def bits_of_brain(values):
    """float32 bits of bfloat16 values: the upper half."""
    return np.array(values, np.uint32) << 16


def spec(dtype, shape, array):
    # The array outlives the call, as TensorSpec asks: the caller holds it.
    return TensorSpec(dtype=dtype, shape=shape, data_ptr=array.ctypes.data, data_len=array.nbytes)


def write(name, tensors, metadata):
    specs = {key: spec(dtype, shape, array) for key, (dtype, shape, array, _) in tensors.items()}
    serialize_file(specs, str(FOLDER / f"{name}.safetensors"), metadata)
    return {
        "metadata": metadata or {},
        "tensors": {key: {"shape": shape, "bits": bits.tolist()} for key, (_, shape, _, bits) in tensors.items()},
    }


def main():
    FOLDER.mkdir(exist_ok=True)
    rng = np.random.default_rng(7)
    matrix = rng.standard_normal((3, 5), np.float32)
    special = np.array([np.inf, -np.inf, np.nan, 1e-45, -0.0, 3.4028235e38], np.float32)
    half = np.array(HALF, np.uint16)
    brain = np.array(BRAIN, np.uint16)
    files = {
        "f32": (
            {
                "model.matrix": ("float32", [3, 5], matrix, matrix.view(np.uint32).ravel()),
                "special": ("float32", [6], special, special.view(np.uint32)),
                "scalar": ("float32", [], special[5:], special[5:].view(np.uint32)),
                "empty": ("float32", [0, 4], np.array([], np.float32), np.array([], np.uint32)),
            },
            {"note": 'größe "x"'},
        ),
        "f16": ({"values": ("float16", [2, 7], half, bits_of_half(HALF))}, None),
        "bf16": ({"values": ("bfloat16", [7, 2], brain, bits_of_brain(BRAIN))}, None),
        # Three sizes of element in one file; the one of odd length makes the next start off its alignment.
        "mixed": (
            {
                "a": ("float16", [3], half[:3], bits_of_half(HALF[:3])),
                "b": ("bfloat16", [5], brain[:5], bits_of_brain(BRAIN[:5])),
                "c": ("float32", [15], matrix, matrix.view(np.uint32).ravel()),
            },
            None,
        ),
        "i64": ({"ids": ("int64", [2], np.array([1, 2]), np.array([], np.uint32))}, None),
    }
    expected = {name: write(name, tensors, metadata) for name, (tensors, metadata) in files.items()}
    (FOLDER / "expected.json").write_text(json.dumps(expected) + "\n")


main()
