"""What docs/disclosure.md says is so: its example runs, its clauses exist, its pictures are there."""

from __future__ import annotations

import re
from pathlib import Path

from enclave.clauses import clauses

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGE = (DOCS / "disclosure.md").read_text("utf-8")


def test_the_example_of_the_page_comes_out_as_it_says() -> None:
    examples = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    assert examples and all("assert" in example for example in examples)
    for example in examples:
        exec(compile(example, "docs/disclosure.md", "exec"), {})


def test_every_clause_of_the_page_exists() -> None:
    cited = set(re.findall(r"\b(?:DSA|EM|Ex[A-F]) [IVX\d]+(?:\.\w+)*", PAGE))
    assert {"DSA III.G.2.a", "DSA III.G.2.d", "ExA 3.f"} <= cited
    assert cited <= set(clauses())


def test_every_picture_is_there_and_every_one_is_used() -> None:
    shown = set(re.findall(r"\]\(images/([^)]+)\)", PAGE))
    assert shown == {path.name for path in (DOCS / "images").glob("disclosure-*")}


def test_the_drawn_example_is_the_written_one() -> None:
    texts = re.findall(r"<text[^>]*>([^<]*)</text>", (DOCS / "images" / "disclosure-example.svg").read_text("utf-8"))
    assert {"81 − 31 − 46 = 4", "0–31", "The cheapest three: 80 persons stand in them."} <= set(texts)
    assert "anything from 0 to 31" in PAGE and "31 + 27 + 22 = 80 persons" in PAGE
