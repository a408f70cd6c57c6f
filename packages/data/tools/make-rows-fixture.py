"""Writes rows of awkward cells with Python's csv module, and what it reads from them.

Run from the folder of the package: python tools/make-rows-fixture.py

Writes src/__fixtures__/rows.csv, rows.tsv   commas and tabs; minimal quoting with \\r\\n, and all quoted with \\n
       src/__fixtures__/rows.json            the rows
"""

import csv
import io
import json
from pathlib import Path

folder = Path(__file__).resolve().parent.parent / "src" / "__fixtures__"
header = ["prompt", "chosen", "rejected", "note"]
rows = [
    ["Name a prime.", "7", "9", "plain"],
    ["a, b\tand c", 'He said "no".', '"', '""'],
    ["two\nlines", "three\r\n\r\nlines", " spaces ", "x"],
    ["émoji 🙂 and 日本語", "\u2028", "'", "1.5"],
    ["a,", ",", "\t", "end"],
]
for name, options in {
    "rows.csv": {"lineterminator": "\r\n"},
    "rows.tsv": {"delimiter": "\t", "lineterminator": "\n", "quoting": csv.QUOTE_ALL},
}.items():
    text = io.StringIO(newline="")
    csv.writer(text, **options).writerows([header, *rows])
    (folder / name).write_bytes(text.getvalue().encode("utf-8"))
    options.pop("lineterminator")
    assert list(csv.reader(io.StringIO(text.getvalue(), newline=""), **options)) == [header, *rows]
(folder / "rows.json").write_text(json.dumps([dict(zip(header, row)) for row in rows], ensure_ascii=False, indent=1) + "\n", "utf-8")
