"""Writes Parquet files with pyarrow, and what pyarrow reads of them as JSON Lines, for the tests of the Parquet reader.

Run it in an environment with pyarrow 26: python make-parquet-fixtures.py
"""

import datetime
import json
import pathlib

import pyarrow as pa
import pyarrow.parquet as pq

OUT = pathlib.Path(__file__).parent.parent / "src" / "__fixtures__" / "parquet"
WORDS = ["sort", "add", "reverse", "größer", "数", "\U0001f600", "", "a\nb"]


def text(n, length):
    return " ".join(WORDS[(n * 7 + i * 3) % len(WORDS)] for i in range(length))


def pairs(count):
    """Pairs of conversations with scores, as data sets of preferences have them."""
    turn = lambda role, content: {"content": content, "role": role}
    return pa.table(
        {
            "prompt": pa.array([text(n, 4) for n in range(count)], pa.string()),
            "chosen": pa.array(
                [[turn("user", text(n, 4)), turn("assistant", text(n + 1, 9))] for n in range(count)],
                pa.list_(pa.struct([("content", pa.string()), ("role", pa.string())])),
            ),
            "rejected": pa.array(
                [None if n % 11 == 5 else [turn("user", text(n, 4)), turn("assistant", None)] for n in range(count)],
                pa.list_(pa.struct([("content", pa.string()), ("role", pa.string())])),
            ),
            "score_chosen": pa.array([n / 3 for n in range(count)], pa.float64()),
            "source": pa.array([["a", "b", None][n % 3] for n in range(count)]).dictionary_encode(),
        }
    )


def kinds():
    """One column for each kind of values."""
    times = [datetime.datetime(2024, 2, 29, 12, 30, 15, 123456), None, datetime.datetime(1969, 12, 31, 23, 59, 59, 999999)]
    return pa.table(
        {
            "int64": pa.array([1, -(2**53) + 1, None], pa.int64()),
            "beyond": pa.array([2**62, -(2**63), 0], pa.int64()),
            "uint8": pa.array([0, 255, None], pa.uint8()),
            "float32": pa.array([0.5, None, -2.25], pa.float32()),
            "not finite": pa.array([float("nan"), float("inf"), 1.0], pa.float64()),
            "boolean": pa.array([True, None, False], pa.bool_()),
            "large": pa.array(["x" * 100_000, "ü", None], pa.large_string()),
            "lists": pa.array([[[1, 2], []], None, [None, [3, None]]], pa.list_(pa.list_(pa.int32()))),
            "empty lists": pa.array([[], [], []], pa.list_(pa.string())),
            "structs": pa.array([{"a": {"b": "c"}, "d": None}, None, {"a": None, "d": [1]}],
                                pa.struct([("a", pa.struct([("b", pa.string())])), ("d", pa.list_(pa.int64()))])),
            "categories": pa.array(["x", "y", "x"]).dictionary_encode(),
            "micros": pa.array(times, pa.timestamp("us")),
            "nulls": pa.array([None, None, None], pa.string()),
        }
    )


def plain(value):
    """A value as the reader documents it: JSON, with what JSON cannot hold as text or null."""
    if isinstance(value, dict):
        return {key: plain(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [plain(inner) for inner in value]
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) > 2**53 - 1:
        return str(value)
    if isinstance(value, float) and (value != value or value in (float("inf"), float("-inf"))):
        return None
    if isinstance(value, datetime.datetime):
        return value.isoformat(timespec="microseconds")
    return value


def write(name, table, **options):
    path = OUT / f"{name}.parquet"
    pq.write_table(table, path, **options)
    rows = [json.dumps(plain(row), ensure_ascii=False) for row in pq.read_table(path).to_pylist()]
    (OUT / f"{name}.jsonl").write_text("\n".join(rows) + "\n", encoding="utf-8")


OUT.mkdir(parents=True, exist_ok=True)
write("pairs-zstd", pairs(100), compression="zstd", row_group_size=30)
write("pairs-snappy", pairs(40), compression="snappy", use_dictionary=False, data_page_version="2.0", data_page_size=512)
write("pairs-gzip", pairs(40), compression="gzip", row_group_size=7, write_page_index=True)
write("pairs-brotli", pairs(20), compression="brotli")
write("pairs-plain", pairs(20), compression="none", column_encoding={"prompt": "DELTA_BYTE_ARRAY"}, use_dictionary=False)
write("kinds", kinds(), compression="zstd")
write("empty", pairs(0))
