"""Category: faults. Fuzzing of the browser SDK's JSON-RPC: the corpus, hypothesis, and OFFHOOK_FUZZ_ITERS mutations."""

import os
import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from .fuzz_rtc import WORDS, fuzz_rtc, mutated

CORPUS = sorted((Path(__file__).parent / "corpus" / "rtc").iterdir())
ITERATIONS = int(os.environ.get("OFFHOOK_FUZZ_ITERS", "1000"))

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


@pytest.mark.parametrize("path", CORPUS, ids=lambda path: path.stem)
def test_fuzz_corpus(path: Path) -> None:
    fuzz_rtc(path.read_bytes())


def test_fuzz_mutations_of_the_corpus() -> None:
    chance = random.Random(1)
    seeds = [path.read_bytes() for path in CORPUS]
    for _ in range(ITERATIONS):
        data = mutated(chance.choice(seeds), chance)
        try:
            fuzz_rtc(data)
        except BaseException:
            print(f"put this into the corpus: {data!r}")
            raise


@settings(max_examples=200, deadline=None)
@given(st.lists(st.sampled_from(WORDS) | st.binary(max_size=60), max_size=12).map(b"".join))
def test_fuzz_any_bytes(data: bytes) -> None:
    fuzz_rtc(data)
