"""A long call in turned time: what its computing costs when nobody waits for it."""

import asyncio
import time

from offhook.engine.active import ActiveLegs
from offhook.engine.ladders import RecentLadders
from offhook.engine.switchboard import Switchboard
from offhook.testing.clock import LoopClock, run
from offhook.testing.fakes import FakeShadow, OpenDialplan, SeededChance
from offhook.testing.media import DrivenCore, TalkingPhone
from offhook.voice.binding import Bindings

SET_UP_SECONDS = 4.0


def call(minutes: float) -> float:
    """CPU seconds of a call between two phones that play a tone, by the real switchboard and a driven media core."""
    before = time.process_time()
    run(_script(minutes * 60))
    return time.process_time() - before


async def _script(seconds: float) -> None:
    core, bindings = DrivenCore(), Bindings()
    switchboard = Switchboard(
        core=core,
        dialplan=OpenDialplan(bindings),
        bindings=bindings,
        active=ActiveLegs(lambda _: None),
        shadow=FakeShadow(),
        ladders=RecentLadders(),
        clock=LoopClock(),
        chance=SeededChance(),
    )
    try:
        async with switchboard:
            core.fallback = lambda event: (core.note(event), switchboard.media_event(event))[0]
            await _talk(switchboard, core, seconds)
    finally:
        core.close()


async def _talk(switchboard: Switchboard, core: DrivenCore, seconds: float) -> None:
    alice, bob = (TalkingPhone(switchboard, name, core, hz) for name, hz in (("alice", 500.0), ("bob", 900.0)))
    alice.call("bob")
    await asyncio.sleep(SET_UP_SECONDS)
    bob.answer_call()
    await asyncio.sleep(SET_UP_SECONDS)
    _expect(abs(alice.heard[0] - 900) < 15 and abs(bob.heard[0] - 500) < 15, "the phones do not hear each other")
    for phone in (alice, bob):
        phone.meter(0)
    await asyncio.sleep(seconds)
    alice.hang_up()
    alice.put_down()
    bob.put_down()
    await asyncio.sleep(1)


def _expect(true: bool, otherwise: str) -> None:
    if not true:
        raise RuntimeError(otherwise)
