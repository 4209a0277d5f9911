"""Category: unit. Scripted phones: ring, answer, reject, echo, press, hang up, and calls that end in the middle."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from offhook import CallEnded, Client, Frame, Tone, events
from offhook.client import script
from offhook.client.backoff import Backoff
from offhook.client.script import Behaviour, Phone
from offhook.media import commands
from offhook.media import events as media
from offhook.testing.clock import run
from offhook.wire import rtc_c2s as c2s
from offhook.wire import rtc_s2c as s2c

from .loopback import SDP, LoopbackCore, LoopbackPlatform, settle


def play(
    platform: LoopbackPlatform, core: LoopbackCore, behaviour: Behaviour, story: Callable[[Phone], Awaitable[None]]
):
    """A phone with that behaviour, in turned time; returns when it was given up."""

    async def scenario() -> float:
        client = Client("ws://x", token="t", core=core, transport=platform.open, backoff=Backoff(first=0.0))
        async with Phone(client, behaviour) as phone:
            await story(phone)
        assert asyncio.all_tasks() == {asyncio.current_task()}
        return asyncio.get_running_loop().time()

    return run(scenario())


@pytest.mark.parametrize(
    ("behaviour", "cause", "at"),
    [
        (script.reject(), "USER_BUSY", 0),
        (script.reject("CALL_REJECTED"), "CALL_REJECTED", 0),
        (script.then(script.ring(rings=2), script.reject()), "USER_BUSY", 12),
        (script.then(script.ring(seconds=3), script.answer(), script.hang_up(after=7)), "NORMAL_CLEARING", 10),
        (script.then(script.answer(), script.wait(4), script.hang_up()), "NORMAL_CLEARING", 4),
    ],
)
def test_a_phone_ends_a_call_as_it_is_told(
    behaviour: Behaviour, cause: str, at: float, platform: LoopbackPlatform, core: LoopbackCore
) -> None:
    async def story(phone: Phone) -> None:
        calls = phone.client.incoming()
        platform.call()
        assert (await (await anext(calls)).ended()).cause == cause

    assert play(platform, core, behaviour, story) == pytest.approx(at, abs=0.01)


def test_an_echo_says_what_it_hears(platform: LoopbackPlatform, core: LoopbackCore) -> None:
    async def story(phone: Phone) -> None:
        calls = phone.client.incoming()
        platform.call()
        call = await anext(calls)
        await call.answered()
        core.connect()
        await settle()
        core.tell(media.PcmHeard(1, 0, 48_000, b"\1\0" * 960))
        await settle()
        assert [chunk.pcm for chunk in core.of(commands.Feed)] == [b"\1\0" * 960]

    play(platform, core, script.then(script.answer(), script.echo()), story)


def test_a_caller_that_gives_up_ends_the_script_quietly(platform: LoopbackPlatform, core: LoopbackCore) -> None:
    async def story(phone: Phone) -> None:
        calls, errors = phone.client.incoming(), phone.client.events(events.ErrorRaised)
        platform.call()
        call = await anext(calls)
        platform.say(s2c.Bye(call_id=call.id, cause="ORIGINATOR_CANCEL", cause_code=487))
        await call.ended()
        await phone.client.disconnect()
        assert [error async for error in errors] == []

    play(platform, core, script.then(script.ring(rings=9), script.answer()), story)


def test_a_script_that_fails_ends_its_call_and_is_reported(platform: LoopbackPlatform, core: LoopbackCore) -> None:
    async def broken(call: object) -> None:
        raise ValueError("a bug in the script")

    async def story(phone: Phone) -> None:
        errors = phone.client.events(events.ErrorRaised)
        platform.call()
        assert isinstance((await anext(errors)).error, ValueError)
        assert phone.calls[0].cause == "USER_BUSY"

    play(platform, core, broken, story)


def test_a_phone_dials(platform: LoopbackPlatform, core: LoopbackCore) -> None:
    async def story(phone: Phone) -> None:
        dialling = asyncio.create_task(phone.dial("bob", script.then(script.press("1"), script.hang_up())))
        invite = await platform.heard(c2s.Invite)
        platform.say(s2c.Answer(call_id=invite.call_id, sdp=SDP))
        assert (await dialling).cause == "NORMAL_CLEARING"
        assert platform.all(c2s.Info)[0].dtmf == "1"

    play(platform, core, script.ignore(), story)


def test_a_phone_that_is_busy_is_told_to_the_dialler(platform: LoopbackPlatform, core: LoopbackCore) -> None:
    async def story(phone: Phone) -> None:
        dialling = asyncio.create_task(phone.dial("bob", script.play(Tone(440))))
        invite = await platform.heard(c2s.Invite)
        platform.say(s2c.Bye(call_id=invite.call_id, cause="USER_BUSY", cause_code=17))
        with pytest.raises(CallEnded):
            await dialling

    play(platform, core, script.ignore(), story)


def test_listeners_are_attached_by_scripts(platform: LoopbackPlatform, core: LoopbackCore) -> None:
    heard: list[Frame] = []

    async def story(phone: Phone) -> None:
        calls = phone.client.incoming()
        platform.call()
        await (await anext(calls)).answered()
        core.tell(media.PcmHeard(1, 0, 48_000, bytes(1920)))

    play(platform, core, script.then(script.listen(heard.append), script.answer()), story)
    assert len(heard) == 1
