"""Category: faults. Several clients under one name at the real switchboard, over real sockets (case WS-16)."""

from typing import Any

import pytest

from offhook.engine.active import ActiveLegs
from offhook.engine.ladders import RecentLadders
from offhook.engine.switchboard import Switchboard
from offhook.testing.clock import LoopClock, run
from offhook.testing.fakes import FakeCore, FakeShadow, OpenDialplan, SeededChance
from offhook.voice.binding import Bindings

from .open_door import NOW, SDP, OpenDoor, open_door
from .raw_socket import RawSocket


def at_switchboard(scene: Any) -> FakeCore:
    core = FakeCore()

    async def play() -> None:
        bindings = Bindings()
        switchboard = Switchboard(
            core=core,
            dialplan=OpenDialplan(bindings),
            bindings=bindings,
            active=ActiveLegs(lambda _: None),
            shadow=FakeShadow(),
            ladders=RecentLadders(),
            clock=LoopClock(wall=NOW),
            chance=SeededChance(),
        )
        core.tell = switchboard.media_event
        async with switchboard, open_door(switchboard) as door:
            await scene(door)

    run(play())
    return core


async def dial(raw: RawSocket, destination: str, call_id: str) -> dict[str, Any]:
    dialog = {"callID": call_id, "destination_number": destination, "caller_id_number": "+15550001111"}
    raw.ask(id=call_id, method="telnyx_rtc.invite", params={"sdp": SDP, "dialogParams": dialog})
    return await raw.answer_to(call_id)


async def hear(raw: RawSocket, method: str) -> dict[str, Any]:
    """The next `telnyx_rtc.<method>`; other frames before it are passed over."""
    while (message := await raw.hear()).get("method") != f"telnyx_rtc.{method}":
        pass
    return message


async def heard_of_no_call(raw: RawSocket) -> bool:
    """Everything that waits for this client to read it, and a pong behind it, is about no call."""
    raw.ask(id="anything", method="telnyx_rtc.ping")
    while (message := await raw.hear()).get("id") != "anything":
        if message.get("method") == "telnyx_rtc.invite":
            return False
    return True


async def ring(raw: RawSocket) -> str:
    """The callID with which a client is rung; it acknowledges."""
    invite = await hear(raw, "invite")
    raw.ask(id=invite["id"], result={"method": invite["method"]})
    return invite["params"]["callID"]


async def hang_up(raw: RawSocket, call_id: str) -> None:
    params = {"cause": "USER_BUSY", "causeCode": 17, "dialogParams": {"callID": call_id}}
    raw.ask(id=f"bye {call_id}", method="telnyx_rtc.bye", params=params)
    assert "result" in await raw.answer_to(f"bye {call_id}")


async def token_login(door: OpenDoor) -> RawSocket:
    raw = await door.upgraded()
    raw.ask(id="login", method="login", params={"login_token": "a.b.c"})
    assert "result" in await raw.answer_to("login")
    return raw


def test_the_latest_login_rings_alone_and_the_one_before_it_when_it_is_gone() -> None:
    async def scene(door: OpenDoor) -> None:
        there = [await door.logged_in("alice"), await door.logged_in("alice"), await token_login(door)]
        bob = await door.logged_in("bob")
        while there:
            latest = there.pop()
            call_id = f"call-{len(there)}"
            assert (await dial(bob, "alice", call_id))["result"]["message"] == "CALL CREATED"
            await ring(latest)
            await hear(bob, "ringing")
            await hang_up(bob, call_id)
            await hear(latest, "bye")
            assert [await heard_of_no_call(other) for other in there] == [True] * len(there)
            await latest.close()

    at_switchboard(scene)


def test_a_client_that_vanishes_while_it_rings_ends_the_call_of_the_other() -> None:
    async def scene(door: OpenDoor) -> None:
        alice, bob = await door.logged_in("alice"), await door.logged_in("bob")
        await dial(bob, "alice", "call-1")
        await ring(alice)
        await hear(bob, "ringing")
        await alice.close()
        await hear(bob, "bye")

    assert at_switchboard(scene).open_ports == set()


def test_an_answered_call_is_held_and_ended() -> None:
    async def scene(door: OpenDoor) -> None:
        alice, bob = await door.logged_in("alice"), await door.logged_in("bob")
        await dial(bob, "alice", "call-1")
        call_id = await ring(alice)
        await hear(bob, "ringing")
        alice.ask(id=1, method="telnyx_rtc.answer", params={"sdp": SDP, "dialogParams": {"callID": call_id}})
        assert (await alice.answer_to(1))["result"]["message"] == "CALL ANSWERED"
        await hear(bob, "answer")
        params = {"action": "hold", "dialogParams": {"callID": "call-1"}}
        bob.ask(id=2, method="telnyx_rtc.modify", params=params)
        assert (await bob.answer_to(2))["result"]["holdState"] == "held"
        await hang_up(alice, call_id)
        assert (await hear(bob, "bye"))["params"]["cause"]

    assert at_switchboard(scene).open_ports == set()


@pytest.mark.parametrize("destination", ["nobody", ""])
def test_a_call_to_nobody_ends_with_its_cause(destination: str) -> None:
    async def scene(door: OpenDoor) -> None:
        bob = await door.logged_in("bob")
        assert "result" in await dial(bob, destination, "call-1")
        assert (await hear(bob, "bye"))["params"]["cause"] == "USER_NOT_REGISTERED"

    at_switchboard(scene)
