"""
Writes a GGUF file in another type, for llama.cpp beside the same bits of ours. It needs the Python package gguf.

    python requantize.py MODEL.gguf F32|Q8_0|Q4_0 OUT.gguf

Matrices get the type, vectors stay float32, and everything else is copied.
"""

import sys

import gguf
import numpy as np

source, name, target = sys.argv[1:]
wanted = gguf.GGMLQuantizationType[name]
reader = gguf.GGUFReader(source)
architecture = reader.fields["general.architecture"].contents()
writer = gguf.GGUFWriter(target, architecture)
# The writer sets these itself.
own = {"general.architecture", "general.file_type", "general.quantization_version"}
for field in reader.fields.values():
    if field.name.startswith("GGUF.") or field.name in own:
        continue
    kind = field.types[0]
    inner = field.types[-1] if kind == gguf.GGUFValueType.ARRAY else None
    writer.add_key_value(field.name, field.contents(), kind, inner)
writer.add_quantization_version(gguf.GGML_QUANT_VERSION)
writer.add_file_type(gguf.LlamaFileType[dict(F32="ALL_F32").get(name, f"MOSTLY_{name}")])
for tensor in reader.tensors:
    values = gguf.dequantize(tensor.data, tensor.tensor_type).astype(np.float32)
    kind = wanted if values.ndim > 1 else gguf.GGMLQuantizationType.F32
    writer.add_tensor(tensor.name, gguf.quantize(values, kind), raw_dtype=kind)
writer.write_header_to_file()
writer.write_kv_data_to_file()
writer.write_tensors_to_file()
writer.close()
