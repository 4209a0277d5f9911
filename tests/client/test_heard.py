"""Category: media. Two clients with the real media core, their SDP exchanged by a platform in memory: they hear
each other. Nothing between them decodes or relays, so what is wrong here is the client's."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest

from offhook import Client, Ear, Frame, Silence, Tone, events
from offhook.client.call import Call
from offhook.media.commands import Codec
from offhook.wire import rtc_c2s as c2s
from offhook.wire import rtc_s2c as s2c

from .loopback import LoopbackPlatform


@pytest.fixture
async def pair() -> AsyncIterator[tuple[Client, Client, LoopbackPlatform, LoopbackPlatform]]:
    async with AsyncExitStack() as stack:
        near, far = LoopbackPlatform(), LoopbackPlatform()
        clients = [
            await stack.enter_async_context(Client("ws://loopback", token="t", transport=platform.open))
            for platform in (near, far)
        ]
        for client in clients:
            await client.ready()
        yield clients[0], clients[1], near, far
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def talk(
    pair: tuple[Client, Client, LoopbackPlatform, LoopbackPlatform], codec: Codec = "opus", trickle: bool = False
) -> tuple[Call, Call]:
    caller, callee, near, far = pair
    calls = callee.incoming()
    call = await caller.new_call("bob", audio=Tone(440, level=-15), codecs=[codec], trickle=trickle)
    invite = await near.heard(c2s.Invite)
    offer = invite.sdp
    if trickle:
        await near.heard(c2s.EndOfCandidates)
        offer += "".join(f"a={sent.candidate}\r\n" for sent in near.all(c2s.Candidate))
    far.call(sdp=offer)
    taken = await anext(calls)
    await taken.answer(Tone(620, level=-25))
    near.say(s2c.Answer(call_id=call.id, sdp=(await far.heard(c2s.Answer)).sdp))
    await call.answered()
    return call, taken


@pytest.mark.parametrize("codec", ["opus", "pcmu", "pcma"])
async def test_both_hear_the_tone_of_the_other_at_its_level(
    pair: tuple[Client, Client, LoopbackPlatform, LoopbackPlatform], codec: Codec
) -> None:
    call, taken = await talk(pair, codec)
    near_ear, far_ear = Ear(), Ear()
    call.attach(near_ear)
    taken.attach(far_ear)
    near, far = await asyncio.gather(near_ear.hears_tone(620), far_ear.hears_tone(440))
    assert near.level == pytest.approx(-25, abs=2)
    assert far.level == pytest.approx(-15, abs=2)
    assert call.stats().codec == taken.stats().codec == codec
    assert call.stats().inbound.packets > 0


async def test_trickled_candidates_lead_to_audio(
    pair: tuple[Client, Client, LoopbackPlatform, LoopbackPlatform],
) -> None:
    call, _ = await talk(pair, trickle=True)
    ear = Ear()
    call.attach(ear)
    await ear.hears_tone(620)


async def test_mute_and_unmute_are_heard(pair: tuple[Client, Client, LoopbackPlatform, LoopbackPlatform]) -> None:
    call, taken = await talk(pair)
    ear = Ear()
    taken.attach(ear)
    await ear.hears_tone(440)
    call.mute()
    await ear.hears_silence()
    call.unmute()
    await ear.hears_tone(440)


async def test_what_is_played_ends_and_position_counts_it(
    pair: tuple[Client, Client, LoopbackPlatform, LoopbackPlatform],
) -> None:
    caller, callee, near, far = pair
    calls = callee.incoming()
    call = await caller.new_call("bob")
    far.call(sdp=(await near.heard(c2s.Invite)).sdp)
    taken = await anext(calls)
    await taken.answer()
    near.say(s2c.Answer(call_id=call.id, sdp=(await far.heard(c2s.Answer)).sdp))
    await call.answered()
    ear = Ear()
    taken.attach(ear)
    playing = asyncio.create_task(call.play(Tone(700, seconds=0.6)))
    await ear.hears_tone(700)
    await playing
    assert call.position == pytest.approx(600, abs=20)
    await ear.hears_silence()
    await call.play(Silence(0.1))
    assert call.position == pytest.approx(700, abs=40)


async def test_a_far_end_that_goes_is_noticed_by_nobody_but_its_own_call(
    pair: tuple[Client, Client, LoopbackPlatform, LoopbackPlatform],
) -> None:
    call, taken = await talk(pair)
    connected = call.events(events.StateChanged)
    await taken.hangup()
    assert call.state == "active"
    await call.hangup()
    assert [event.after async for event in connected] == ["hangup", "destroy"]


async def test_sdk_04_a_callback_that_blocks_makes_no_gap_in_the_sound(
    pair: tuple[Client, Client, LoopbackPlatform, LoopbackPlatform],
) -> None:
    call, taken = await talk(pair)
    ear = Ear()
    blocked: list[Frame] = []

    def block(frame: Frame) -> None:
        if not blocked:
            blocked.append(frame)
            time.sleep(0.5)  # what the case is about: the whole loop stands still

    taken.attach(ear)
    await ear.hears_tone(440)
    call.attach(block)
    count = len(ear.heard)
    await ear.hears(lambda _: len(ear.heard) >= count + 5)
    assert blocked
    assert all(heard.is_tone(440) for heard in ear.heard[count:])
