"""Category: property. A leg's bill: a line for each thing, each in its record, and totals that are their sums."""

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from offhook.voice import bill
from offhook.voice.cause import ending
from offhook.voice.effect import Close
from offhook.voice.event import About, CallCost
from offhook.voice.leg import Carrier, LegIds, Party
from offhook.voice.rating import CARRIERS, STANDARD, UNITS, PricePlan, Rate
from offhook.voice.usage import Usage

START = 1_800_000_000.0
ADD_ONS = ("recording", "tts", "media-streaming", "stt", "amd", "conference-participant", "noise-suppression", "queue")

usages = st.builds(
    Usage,
    st.sampled_from(ADD_ONS),
    st.text("abc", min_size=1, max_size=3),
    st.just(START),
    st.floats(0, 20_000),
    st.integers(0, 5_000),
)
prices = st.tuples(st.integers(0, 10**7), st.integers(1, 90), st.integers(1, 90), st.integers(1, 1000))


@st.composite
def plans(draw: st.DrawFn) -> PricePlan:
    """Any price for anything, rounded in any way."""
    return PricePlan(
        "any",
        [
            Rate(part, micros, minimum, increment, UNITS.get(part, "minute"), per)
            for part in (*CARRIERS, *ADD_ONS)
            for micros, minimum, increment, per in [draw(prices)]
        ],
    )


def closed(seconds: float = 61.0, used: tuple[Usage, ...] = (), carrier: Carrier = "webrtc", to: str = "x") -> Close:
    ids = LegIds("v3:1", "session", "leg")
    party = Party("alice", "account", "connection", "alice", "+15550100001", "Alice", carrier=carrier)
    about = About(ids, party, "+15550100001", to, "Alice", "outgoing", START)
    return Close(
        ids, party, party, "outgoing", to, "call", START, START, START + seconds, seconds, ending("NORMAL_CLEARING"),
        about, used,
    )  # fmt: skip


@given(plans(), st.floats(0, 20_000), st.lists(usages, max_size=8, unique_by=lambda each: (each.add_on, each.about)))
def test_the_total_is_the_sum_of_the_parts_to_the_micro_dollar(
    plan: PricePlan, seconds: float, used: list[Usage]
) -> None:
    leg = closed(seconds, tuple(used))
    lines = bill.lines(leg, plan)
    records = [bill.record(leg, line, "") for line in lines]
    told = bill.cost(leg, lines)
    assert isinstance(told, CallCost)
    fields = told.fields()
    assert len({record["id"] for record in records}) == len(records) == len(used) + 1
    parts = [Decimal(part["cost"]) for part in fields["cost_parts"]]
    assert parts == [Decimal(record["cost"]) for record in records]
    assert sum(parts) == Decimal(fields["total_cost"])
    assert fields["billed_duration_secs"] == max(part["billed_duration_secs"] for part in fields["cost_parts"])


def test_a_call_to_a_number_is_charged_by_its_prefix_and_its_add_ons_by_themselves() -> None:
    used = (Usage("tts", "s", START, units=1_500), Usage("recording", "r", START, seconds=60.001))
    leg = closed(61, used, "sip-trunking", "sip:+442071234567@sip.test")
    own, speech, recording = [bill.record(leg, line, "Desk") for line in bill.lines(leg, STANDARD)]
    assert (own["record_type"], own["rate"], own["cost"]) == ("sip_trunking_detail_record", "0.008", "0.016")
    assert (speech["record_type"], speech["number_of_characters"], speech["cost"]) == (
        "tts_detail_record",
        1500,
        "0.0045",
    )
    assert (speech["rate"], speech["rate_measured_in"]) == ("0.003", "1000 characters")
    assert (recording["recording_id"], recording["billed_sec"], recording["cost"]) == ("r", 120, "0.004")


def test_time_is_measured_while_it_runs_and_a_crash_cuts_it_off() -> None:
    use = Usage("recording", "r", START).running(10, START).stopped(15, START + 5)
    again = use.running(20, START + 10).running(21, START + 11)
    assert (use.seconds, use.ended_at, again.ended_at) == (5, START + 5, None)
    assert again.stopped(27, START + 99).seconds == 12
    assert (again.cut_off(START + 14).seconds, again.cut_off(START + 14).ended_at) == (9, START + 14)
    assert use.stopped(99, START + 99) == use == use.cut_off(START + 99)


def test_records_have_one_id_however_often_they_are_made() -> None:
    leg = closed(1, (Usage("amd", "a", START, units=1),))
    one, other = (tuple(line.id for line in bill.lines(leg, STANDARD)) for _ in range(2))
    assert one == other
    assert len(one[1]) == 36
