"""Category: voice. Seats, and who hears whom: the one predicate as a table."""

import pytest

from offhook.voice.place import MAX_SUPERVISORS, NoSeat, Part, Place, Seat

# Who (columns) is heard by whom (rows), all in one conference; the whisperer coaches the first party only.
MEMBERS: dict[str, Seat] = {
    "party": Seat("party"),
    "other": Seat("party"),
    "muted": Seat("party", voice="muted"),
    "held": Seat("party", hold="held"),
    "ringing": Seat("ringing"),
    "early": Seat("early"),
    "waiting": Seat("waiting"),
    "monitor": Seat("monitor"),
    "whisper": Seat("whisper", coached=frozenset({"party"})),
    "barge": Seat("barge"),
}
HEARS = {
    "party": "other early whisper barge",
    "other": "party early barge",
    "muted": "party other early barge",
    "held": "",
    "ringing": "",
    "early": "",
    "waiting": "",
    "monitor": "party other early barge",
    "whisper": "party other early barge",
    "barge": "party other early",
}


@pytest.fixture
def conference() -> Place:
    place = Place("conference", "c")
    for name, seat in MEMBERS.items():
        place.enter(name, seat)
    return place


@pytest.mark.parametrize("listener", MEMBERS)
def test_who_hears_whom(conference: Place, listener: str) -> None:
    assert [speaker for speaker in MEMBERS if conference.hears(listener, speaker)] == HEARS[listener].split()


@pytest.mark.parametrize(
    ("kind", "parts"),
    [
        ("parked", {"party", "ringing", "early"}),
        ("bridge", {"party", "ringing", "early", "monitor", "whisper", "barge"}),
        ("queue", {"waiting"}),
        ("conference", {"party", "ringing", "early", "waiting", "monitor", "whisper", "barge"}),
    ],
)
def test_each_kind_has_its_parts(kind: str, parts: set[Part]) -> None:
    for seat in MEMBERS.values():
        place = Place(kind, "p")  # type: ignore[arg-type]
        if seat.part in parts:
            place.enter("leg", seat)
            assert "leg" in place
        else:
            with pytest.raises(NoSeat, match="has no part"):
                place.enter("leg", seat)
            assert len(place) == 0


def test_a_bridge_takes_two_and_supervisors_besides() -> None:
    bridge = Place("bridge", "b")
    bridge.enter("a", Seat("party"))
    bridge.enter("b", Seat("ringing"))
    with pytest.raises(NoSeat, match="full"):
        bridge.enter("c", Seat("party"))
    for n in range(MAX_SUPERVISORS):
        bridge.enter(f"s{n}", Seat("monitor"))
    with pytest.raises(NoSeat, match="full"):
        bridge.enter("one more", Seat("whisper"))


def test_parked_is_alone_and_a_queue_is_as_long_as_it_was_made() -> None:
    parked, queue = Place("parked", "p"), Place("queue", "q", seats=1)
    parked.enter("a", Seat("party"))
    queue.enter("a", Seat("waiting"))
    for place, part in ((parked, "party"), (queue, "waiting")):
        with pytest.raises(NoSeat, match="full"):
            place.enter("b", Seat(part))  # type: ignore[arg-type]


def test_nobody_sits_twice_and_a_seat_given_up_is_free() -> None:
    parked = Place("parked", "p")
    parked.enter("a", Seat("party"))
    with pytest.raises(NoSeat, match="already"):
        parked.enter("a", Seat("party"))
    parked.leave("a")
    parked.enter("b", Seat("party"))
    assert list(parked) == ["b"]


def test_who_waits_for_one_that_holds_gets_music() -> None:
    bridge = Place("bridge", "b")
    bridge.enter("a", Seat("party"))
    bridge.enter("b", Seat("party"))
    assert not bridge.waits_on("a")
    bridge.change("b", hold="held")
    assert bridge.waits_on("a")
    assert not bridge.waits_on("b")
    assert not bridge.hears("a", "b")
    assert not bridge.hears("b", "a")
