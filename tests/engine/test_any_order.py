"""Category: property. Whatever buttons are pressed in whatever order, however slow the store, all calls end well."""

from asyncio import sleep
from collections.abc import Callable

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.scenarios.exchange import Exchange, exchange

from offhook.engine.store import Unavailable
from offhook.testing.clock import run
from offhook.testing.fakes import FakePhone, FakeReply

NAMES = ("alice", "bob", "bob", "carol")
Press = Callable[[Exchange, FakePhone], FakeReply | None]


def vanish_and_return(at: Exchange, phone: FakePhone) -> None:
    phone.vanish()
    phone.__init__(at.switchboard, phone.username, phone.reflex)


def fail_media(at: Exchange, phone: FakePhone) -> None:
    ports = sorted(at.core.open_ports)
    if ports:
        at.core.fail(ports[len(phone.saw) % len(ports)])


def break_store(at: Exchange, _: FakePhone) -> None:
    at.shadow.fail = Unavailable("disk full")


def mend_store(at: Exchange, _: FakePhone) -> None:
    at.shadow.fail = None


BUTTONS: tuple[Press, ...] = (
    lambda _, phone: phone.dial("bob"),
    lambda _, phone: phone.dial("carol"),
    lambda _, phone: phone.dial("bob", "garbage"),
    lambda _, phone: phone.ring(),
    lambda _, phone: phone.answer_call(),
    lambda _, phone: phone.answer_call(),
    lambda _, phone: phone.answer_call("garbage"),
    lambda _, phone: phone.hang_up(),
    lambda _, phone: phone.hang_up("USER_BUSY"),
    lambda _, phone: phone.hold("toggleHold"),
    lambda _, phone: phone.press("1"),
    lambda _, phone: phone.renegotiate(),
    vanish_and_return,
    fail_media,
)
STORE = (break_store, mend_store)
STEP = st.tuples(
    st.sampled_from((*BUTTONS, *STORE)),
    st.sampled_from(range(len(NAMES))),
    st.sampled_from((None, 0.0, 0.0005, 0.002, 6.0)),
)


@given(st.lists(STEP, max_size=30), st.lists(st.sampled_from((0.0, 0.001, 0.003)), min_size=1), st.booleans())
@settings(max_examples=150, deadline=None)
def test_all_calls_end_once_whatever_is_pressed(
    steps: list[tuple[Press, int, float | None]], latencies: list[float], simultaneous: bool
) -> None:
    async def script() -> None:
        async with exchange() as x:
            turn = iter(latencies * 1000)
            x.shadow.seconds = lambda: next(turn)
            x.dialplan.simultaneous = 2 if simultaneous else 1
            phones = [x.phone(name) for name in NAMES]
            replies: list[FakeReply] = []
            for press, who, wait in steps:
                reply = press(x, phones[who])
                replies += [] if reply is None else [reply]
                if wait is not None:
                    await sleep(wait)
            for phone in phones:
                phone.vanish()
            await sleep(1)
            assert all(reply.outcome is not None for reply in replies)
            # What could not be stored is left for the next start to end.
            assert not x.shadow.live or any(press is break_store for press, _, _ in steps)
            assert not x.core.open_ports
            assert not len(x.active)
            assert not x.switchboard.owners.sessions
            legs = [record.ids.call_leg_id for record in x.shadow.records]
            assert len(legs) == len(set(legs))

    run(script())
