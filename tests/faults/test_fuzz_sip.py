"""Category: faults. Fuzzing of SIP: the torture messages, what was found before, and OFFHOOK_FUZZ_ITERS mutations."""

import os
import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ..wire.torture import MESSAGES
from .fuzz_rtc import mutated
from .fuzz_sip import WORDS, fuzz_sip

CORPUS = sorted((Path(__file__).parent / "corpus" / "sip").iterdir())
ITERATIONS = int(os.environ.get("OFFHOOK_FUZZ_ITERS", "1000"))


@pytest.mark.parametrize("path", CORPUS, ids=lambda path: path.stem)
def test_fuzz_corpus(path: Path) -> None:
    fuzz_sip(path.read_bytes())


def test_fuzz_mutations_of_the_torture_messages() -> None:
    chance = random.Random(1)
    seeds = [*MESSAGES.values(), *(path.read_bytes() for path in CORPUS)]
    for _ in range(ITERATIONS):
        data = mutated(chance.choice(seeds), chance, WORDS)
        try:
            fuzz_sip(data)
        except BaseException:
            print(f"put this into the corpus: {data!r}")
            raise


@settings(max_examples=200, deadline=None)
@given(st.lists(st.sampled_from(WORDS) | st.binary(max_size=60), max_size=12).map(b"".join))
def test_fuzz_any_bytes(data: bytes) -> None:
    fuzz_sip(data)
