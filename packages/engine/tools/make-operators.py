"""The signatures of the ONNX operators that a traced graph may use, as check-graph.ts reads them.

    pip install onnx onnxruntime==1.30.0
    python packages/engine/tools/make-operators.py

Writes packages/engine/src/onnx/operators.ts. Operators of the standard set come from the package onnx;
those that ONNX Runtime adds come from the schemas registered in onnxruntime, which should be of the
version that @gram/engine runs on. To add an operator, list its name below and run this again.
"""

import json
from pathlib import Path

import onnx.defs
from onnxruntime.capi import onnxruntime_pybind11_state as runtime

OUT = Path(__file__).resolve().parent.parent / "src" / "onnx" / "operators.ts"
OPSET = 18
CONTRIB = "com.microsoft"

STANDARD = """
    Abs Add And ArgMax ArgMin Cast Ceil Clip Concat ConstantOfShape Cos CumSum DequantizeLinear Div
    DynamicQuantizeLinear Elu Equal Erf Exp Expand Floor Gather GatherElements GatherND Gemm Greater
    GreaterOrEqual Identity IsInf IsNaN LayerNormalization Less LessOrEqual Log LogSoftmax MatMul
    MatMulInteger Max Min Mod Mul Neg Not OneHot Or Pad Pow QuantizeLinear Range Reciprocal
    ReduceLogSumExp ReduceMax ReduceMean ReduceMin ReduceProd ReduceSum ReduceSumSquare Relu Reshape
    Round ScatterElements ScatterND Shape Sigmoid Sign Sin Size Slice Softmax SoftmaxCrossEntropyLoss
    Softplus Split Sqrt Squeeze Sub Sum Tanh Tile TopK Transpose Trilu Unsqueeze Where Xor
""".split()

# (domain, name): ONNX Runtime registers one of its own under the standard domain.
CONTRIBUTED = [
    ("", "SimplifiedLayerNormalization"),
    *((CONTRIB, name) for name in """
        DynamicQuantizeMatMul FastGelu FusedGemm FusedMatMul GroupQueryAttention MatMulNBits QuickGelu
        RotaryEmbedding SkipSimplifiedLayerNormalization
    """.split()),
]

# The element types of graphs, in the order in which messages list them.
ELEMENT_TYPES = {
    "tensor(float)": "float32",
    "tensor(float16)": "float16",
    "tensor(bfloat16)": "bfloat16",
    "tensor(int64)": "int64",
    "tensor(int32)": "int32",
    "tensor(int8)": "int8",
    "tensor(uint8)": "uint8",
    "tensor(bool)": "bool",
}

HEADER = """\
// Written by tools/make-operators.py, which says how to add an operator.
// biome-ignore-all format: one line for each operator
import type { OperatorTable } from './signature.js';

/** Signatures by domain and operator. */
export const operators: Readonly<Record<string, OperatorTable>> = {
"""


def element_types(names):
    return [short for full, short in ELEMENT_TYPES.items() if full in names]


def enum_name(value):
    """The last word of an enumeration member, which is all that the two packages agree on."""
    return str(value).split(".")[-1].lower()


def operand(parameter, variables):
    # The packages differ in how they spell this: type_str and typeStr.
    written = getattr(parameter, "type_str", None) or parameter.typeStr
    entry = {"name": parameter.name, "type": written if written in variables else element_types([written])}
    option = enum_name(parameter.option)
    if option != "single":
        entry[option] = True
    return entry


def count(least, most):
    return [least, most if most < 2**31 - 1 else None]


def signature(schema):
    variables = {each.type_param_str: each.allowed_type_strs for each in schema.type_constraints}
    attributes = {}
    for name, attribute in sorted(schema.attributes.items()):
        attributes[name] = {"kind": enum_name(attribute.type)}
        if attribute.required:
            attributes[name]["required"] = True
    return {
        "inputs": [operand(each, variables) for each in schema.inputs],
        "outputs": [operand(each, variables) for each in schema.outputs],
        "inputCount": count(schema.min_input, schema.max_input),
        "outputCount": count(schema.min_output, schema.max_output),
        "types": {name: element_types(allowed) for name, allowed in variables.items()},
        "attributes": attributes,
    }


def typescript(value):
    """One line of TypeScript in the style of the repository; no limit is Infinity."""
    if isinstance(value, dict):
        if not value:
            return "{}"
        return "{ " + ", ".join(f"{key}: {typescript(each)}" for key, each in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(typescript(each) for each in value) + "]"
    if isinstance(value, str):
        return f"'{value}'"
    return "Infinity" if value is None else json.dumps(value)


def main():
    tables = {
        "": {name: signature(onnx.defs.get_schema(name, OPSET, "")) for name in STANDARD},
        CONTRIB: {},
    }
    for schema in runtime.get_all_operator_schema():
        if (schema.domain, schema.name) in CONTRIBUTED:
            tables[schema.domain][schema.name] = signature(schema)
    missing = [name for domain, name in CONTRIBUTED if name not in tables[domain]]
    if missing:
        raise SystemExit(f"onnxruntime does not have {', '.join(missing)}")
    with OUT.open("w", encoding="utf-8", newline="\n") as file:
        file.write(HEADER)
        for domain, table in tables.items():
            file.write(f"  '{domain}': {{\n")
            for name, entry in sorted(table.items()):
                file.write(f"    {name}: {typescript(entry)},\n")
            file.write("  },\n")
        file.write("};\n")


if __name__ == "__main__":
    main()
