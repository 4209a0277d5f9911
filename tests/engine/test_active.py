"""Category: property. Limits count what dialling decided, however a destination is spelled."""

from asyncio import sleep
from collections.abc import Callable
from urllib.parse import quote

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.scenarios.exchange import exchange

from offhook.engine.active import ActiveLegs
from offhook.testing.clock import run
from offhook.voice.dialing import HOSTED_DOMAINS, Dialplan, domains
from offhook.voice.directory import ConnectionCard, CredentialCard, NumberCard, ProfileCard

NUMBER = "+13125550100"
ALICE = ConnectionCard("connection of alice", "account", "Alice", "alice", profile_id="profile")
BOB = ConnectionCard(
    "connection of bob",
    "account",
    "Bob",
    "bob",
    sip_uri_calling_preference="internal",
    dnis_number_format="sip_username",
)


class OneNumber:
    """A directory in which bob has a number, and one call at a time may go through alice's profile."""

    def connection(self, id: str) -> ConnectionCard | None:
        return {ALICE.id: ALICE, BOB.id: BOB}.get(id)

    def connection_of_username(self, username: str) -> ConnectionCard | None:
        return {"alice": ALICE, "bob": BOB}.get(username)

    def credential_of_username(self, username: str) -> CredentialCard | None:
        return None

    def number(self, e164: str) -> NumberCard | None:
        return NumberCard("number", "account", NUMBER, BOB.id) if e164 == NUMBER else None

    def profile(self, id: str) -> ProfileCard | None:
        return ProfileCard("profile", "account", "One at a time", concurrent_call_limit=1)


def spaced(number: str, separators: list[str]) -> str:
    return "".join(digit + separator for digit, separator in zip(number, separators, strict=False))


PLAIN = st.sampled_from((NUMBER, "13125550100", "3125550100", "01113125550100"))
SEPARATED = st.builds(
    spaced, PLAIN, st.lists(st.sampled_from(("", "", " ", "-", ".", "(", ")")), min_size=14, max_size=14)
)
ESCAPE: st.SearchStrategy[Callable[[str], str]] = st.sampled_from(
    (str, quote, lambda text: "".join(f"%{ord(each):02X}" if ord(each) < 128 else quote(each) for each in text))
)
WRAP = st.sampled_from(
    (
        "{}",
        " {}",
        "sip:{}",
        "SIPS:{}",
        "tel:{}",
        "tel:{};phone-context=+1",
        "{}@sip.test",
        "sip:{}@sip.test",
        "sip:{};isub=1@SIP.TEST:5061;transport=tls",
        "<sip:{}@sip.telnyx.com>",
        '"Bob" <sips:{}@sip.test>',
    )
)
SPELLING = st.builds(lambda wrap, escape, number: wrap.format(escape(number)), WRAP, ESCAPE, SEPARATED)


@given(SPELLING, SPELLING)
@settings(max_examples=150, deadline=None)
def test_no_spelling_of_a_number_gets_past_the_limit_of_its_profile(first: str, second: str) -> None:
    async def script() -> None:
        async with exchange() as x:
            x.active._profile_of = {ALICE.id: "profile"}.get
            x.switchboard._router._dialplan = Dialplan(
                OneNumber(), x.bindings, x.active, domains("sip.test", HOSTED_DOMAINS)
            )
            alice, bob = x.phone("alice"), x.phone("bob", "answer")
            alice.dial(first)
            await sleep(1)
            assert bob.saw == ["invite"], alice.endings
            assert x.active.through("profile") == 1
            alice.dial(second)
            await sleep(1)
            assert "concurrent_call_limit" in alice.endings[-1].detail
            # A name is no number: it is none of the profile's business.
            alice.dial("sip:bob@sip.test")
            await sleep(1)
            assert bob.saw == ["invite", "invite"]
            assert x.active.through("profile") == 1
        assert x.active.through("profile") == 0

    run(script())


def test_what_is_counted_is_counted_once_and_only_for_who_dials() -> None:
    active = ActiveLegs({"connection": "profile"}.get)
    active.open("by number", "connection", "outbound", NUMBER)
    active.open("by number", "connection", "outbound", NUMBER)
    active.open("by name", "connection", "outbound")
    active.open("rung", "connection", "inbound", NUMBER)
    assert (active.outbound("connection"), active.inbound("connection")) == (2, 1)
    assert (active.through("profile"), active.through("another")) == (1, 0)
    for id in ("by number", "by number", "by name", "rung"):
        active.close(id)
    assert (active.outbound("connection"), active.inbound("connection"), active.through("profile")) == (0, 0, 0)
