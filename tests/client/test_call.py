"""Category: unit. One call of the client against a platform in memory: every state, every refusal, every end."""

import asyncio

import pytest

from offhook import CallEnded, Client, ConfigurationError, InvalidState, MediaError, Refused, RequestTimedOut, events
from offhook.client.call import Call
from offhook.media import commands
from offhook.media import events as media
from offhook.testing.clock import run
from offhook.wire import rtc_c2s as c2s
from offhook.wire import rtc_s2c as s2c
from offhook.wire.rtc_values import Code

from .loopback import BAD_SDP, SDP, LoopbackCore, LoopbackPlatform, settle


def states(call: Call) -> list[str]:
    seen = [call.state]
    call.on(events.StateChanged, lambda event: seen.append(event.after))
    return seen


async def dialled(client: Client, platform: LoopbackPlatform) -> Call:
    """A call of ours that has been answered and whose audio flows."""
    call = await client.new_call("bob")
    platform.say(s2c.Answer(call_id=call.id, sdp=SDP))
    await call.answered()
    return call


async def called(client: Client, platform: LoopbackPlatform) -> Call:
    """A call that rings here."""
    calls = client.incoming()
    platform.call()
    return await anext(calls)


# ---- outbound ----------------------------------------------------------------------------------------------


async def test_an_answered_call_passes_the_states_of_the_browser_sdk(
    client: Client, platform: LoopbackPlatform
) -> None:
    call = await client.new_call("bob", caller_number="+15550100", caller_name="Ann", custom_headers={"X-A": "1"})
    seen = states(call)
    platform.say(s2c.Ringing(call_id=call.id, call_control_id="v3:a", session_id="s", leg_id="l"))
    platform.say(s2c.Answer(call_id=call.id, sdp=SDP))
    await call.answered()
    await call.hangup()
    assert seen == ["trying", "active", "hangup", "destroy"]
    assert call.ending == events.Ending("NORMAL_CLEARING", 16, local=True)
    assert (call.ids.call_control, call.ids.session, call.ids.leg) == ("v3:a", "s", "l")
    invite, bye = platform.all(c2s.Invite)[0], platform.all(c2s.Bye)[0]
    assert invite.dialog.destination_number == "bob"
    assert (invite.dialog.caller_id_number, invite.dialog.caller_id_name) == ("+15550100", "Ann")
    assert [(header.name, header.value) for header in invite.dialog.headers] == [("X-A", "1")]
    assert (bye.cause, bye.cause_code, bye.call_id) == ("NORMAL_CLEARING", 16, call.id)
    assert not client.calls


async def test_early_media_comes_once_and_the_answer_does_not_repeat_it(
    client: Client, platform: LoopbackPlatform, core: LoopbackCore
) -> None:
    call = await client.new_call("bob")
    seen = states(call)
    platform.say(s2c.Media(call_id=call.id, sdp=SDP))
    platform.say(s2c.Answer(call_id=call.id))
    await call.answered()
    assert seen == ["trying", "early", "active"]


async def test_ringing_is_told_after_early_media_too(client: Client, platform: LoopbackPlatform) -> None:
    call = await client.new_call("bob")
    told = call.events(events.Ringing)
    platform.say(s2c.Media(call_id=call.id, sdp=SDP))
    platform.say(s2c.Ringing(call_id=call.id))
    assert await anext(told) == events.Ringing(call)
    assert call.state == "early"


async def test_busy_tells_why(client: Client, platform: LoopbackPlatform) -> None:
    call = await client.new_call("bob")
    platform.say(s2c.Bye(call_id=call.id, cause="USER_BUSY", cause_code=17, sip_code=486, sip_reason="Busy Here"))
    with pytest.raises(CallEnded) as ended:
        await call.answered()
    assert (ended.value.cause, ended.value.code, ended.value.sip_code) == ("USER_BUSY", 17, 486)
    assert await call.ended() == events.Ending("USER_BUSY", 17, 486, "Busy Here")
    assert not platform.all(c2s.Bye)


async def test_a_bye_that_says_nothing_means_what_the_browser_sdk_makes_of_it(
    client: Client, platform: LoopbackPlatform
) -> None:
    unanswered, talking = await client.new_call("bob"), await dialled(client, platform)
    platform.say(s2c.Bye(call_id=unanswered.id))
    platform.say(s2c.Bye(call_id=talking.id))
    assert (await unanswered.ended()).cause == "USER_BUSY"
    assert (await talking.ended()).cause == "NORMAL_CLEARING"


async def test_a_refused_invite_raises_and_is_not_followed_by_a_bye(client: Client, platform: LoopbackPlatform) -> None:
    platform.refuses[c2s.Invite] = (Code.CALL_ERROR, "no credit")
    with pytest.raises(Refused) as refused:
        await client.new_call("bob")
    assert (refused.value.code, refused.value.message) == (-32002, "no credit")
    assert not client.calls
    assert not platform.all(c2s.Bye)


async def test_an_answer_that_cannot_be_followed_ends_the_call(client: Client, platform: LoopbackPlatform) -> None:
    call = await client.new_call("bob")
    errors = client.events(events.ErrorRaised)
    platform.say(s2c.Answer(call_id=call.id, sdp=BAD_SDP))
    assert (await call.ended()).cause == "INCOMPATIBLE_DESTINATION"
    assert isinstance((await anext(errors)).error, MediaError)
    assert (await platform.heard(c2s.Bye)).cause_code == 88


async def test_giving_up_before_the_answer_is_a_cancel(client: Client, platform: LoopbackPlatform) -> None:
    call = await client.new_call("bob")
    await call.hangup()
    assert call.cause == "ORIGINATOR_CANCEL"
    assert platform.all(c2s.Bye)[0].cause_code == 487


async def test_trickle_sends_the_candidates_after_the_invite(client: Client, platform: LoopbackPlatform) -> None:
    await client.new_call("bob", trickle=True)
    await platform.heard(c2s.EndOfCandidates)
    invite = platform.all(c2s.Invite)[0]
    assert invite.trickle
    assert "candidate" not in invite.sdp
    assert [sent.candidate for sent in platform.all(c2s.Candidate)] == ["candidate:1 1 udp 1 127.0.0.1 5000 typ host"]


async def test_a_candidate_of_the_platform_reaches_the_core(
    client: Client, platform: LoopbackPlatform, core: LoopbackCore
) -> None:
    call = await client.new_call("bob", trickle=True)
    platform.say(s2c.Candidate(call_id=call.id, candidate="candidate:9 1 udp 1 127.0.0.1 9 typ host"))
    await settle()
    assert [command.candidate for command in core.of(commands.AddCandidate)] == [
        "candidate:9 1 udp 1 127.0.0.1 9 typ host"
    ]


# ---- inbound -----------------------------------------------------------------------------------------------


async def test_a_call_that_comes_in_is_answered(client: Client, platform: LoopbackPlatform) -> None:
    call = await called(client, platform)
    seen = states(call)
    assert (call.direction, call.remote.number, call.remote.name) == ("inbound", "+15550100", "Ann")
    await call.answer(custom_headers={"X-B": "2"})
    assert seen == ["ringing", "answering", "active"]
    assert platform.all(c2s.Answer)[0].dialog.headers[0].name == "X-B"


async def test_a_call_is_rejected_as_busy(client: Client, platform: LoopbackPlatform) -> None:
    call = await called(client, platform)
    await call.reject()
    assert platform.all(c2s.Bye)[0].cause == "USER_BUSY"
    with pytest.raises(CallEnded):
        await call.answer()


async def test_an_offer_that_cannot_be_followed_is_refused_and_raised(
    client: Client, platform: LoopbackPlatform
) -> None:
    calls = client.incoming()
    platform.call(sdp=BAD_SDP)
    call = await anext(calls)
    with pytest.raises(MediaError, match="no_audio"):
        await call.answer()
    assert call.cause == "INCOMPATIBLE_DESTINATION"


async def test_the_caller_gives_up_first(client: Client, platform: LoopbackPlatform) -> None:
    call = await called(client, platform)
    platform.say(s2c.Bye(call_id=call.id, cause="ORIGINATOR_CANCEL", cause_code=487, sip_code=487))
    assert (await call.ended()).cause == "ORIGINATOR_CANCEL"


# ---- in the call -------------------------------------------------------------------------------------------


async def test_hold_and_unhold(client: Client, platform: LoopbackPlatform) -> None:
    call = await dialled(client, platform)
    seen = states(call)
    told = call.events(events.CallEvent)
    await call.hold()
    await call.hold()
    await call.toggle_hold()
    assert seen == ["active", "held", "active"]
    assert [message.action for message in platform.all(c2s.Modify)] == ["hold", "toggleHold"]
    assert [type(await anext(told)) for _ in range(4)] == [
        events.StateChanged, events.Held, events.StateChanged, events.Unheld,
    ]  # fmt: skip


async def test_a_refused_hold_changes_nothing(client: Client, platform: LoopbackPlatform) -> None:
    call = await dialled(client, platform)
    platform.refuses[c2s.Modify] = (Code.CALL_ERROR, "not now")
    with pytest.raises(Refused):
        await call.hold()
    assert call.state == "active"


async def test_keys(client: Client, platform: LoopbackPlatform, core: LoopbackCore) -> None:
    call = await dialled(client, platform)
    await call.send_dtmf("12#w9")
    assert platform.all(c2s.Info)[0].dtmf == "12#w9"
    with pytest.raises(ConfigurationError):
        await call.send_dtmf("hello")
    pressed = call.events(events.DigitPressed)
    core.tell(media.DigitReceived(1, "5", 80))
    assert (await anext(pressed)).digit == "5"


async def test_ice_restart_takes_the_answer_of_the_platform(
    client: Client, platform: LoopbackPlatform, core: LoopbackCore
) -> None:
    call = await dialled(client, platform)
    await call.restart_ice()
    modify = platform.all(c2s.Modify)[0]
    assert (modify.action, modify.sdp, modify.again_call_id) == ("updateMedia", SDP, call.id)
    assert call.state == "active"


async def test_mute_is_local(client: Client, platform: LoopbackPlatform, core: LoopbackCore) -> None:
    call = await dialled(client, platform)
    call.mute()
    call.unmute()
    assert [command.muted for command in core.of(commands.Mute)] == [True, False]


async def test_what_cannot_be_done_in_a_state_says_so(client: Client, platform: LoopbackPlatform) -> None:
    call = await client.new_call("bob")
    for action in (call.answer, call.reject, call.hold, call.restart_ice):
        with pytest.raises(InvalidState):
            await action()
    assert call.state == "trying"


async def test_a_dead_port_ends_the_call(client: Client, platform: LoopbackPlatform, core: LoopbackCore) -> None:
    call = await dialled(client, platform)
    errors = client.events(events.ErrorRaised)
    core.tell(media.PortFailed(1, "ice_failed"))
    assert call.state == "destroy"
    error = (await anext(errors)).error
    assert isinstance(error, MediaError)
    assert error.reason == "ice_failed"


async def test_the_last_counters_outlive_the_call(client: Client, platform: LoopbackPlatform) -> None:
    call = await dialled(client, platform)
    await call.hangup()
    assert call.stats().codec == "opus"


# ---- hard times (SDK-01, SDK-03) -----------------------------------------------------------------------------


def signals(call_id: str) -> list[bytes]:
    """Every method that a platform has, whole, without params and with params of wrong types."""
    bodies = ("{}", "[]", "null", "7", f'{{"callID":"{call_id}"}}', f'{{"callID":"{call_id}","sdp":5,"cause":[]}}')
    whole = f'{{"callID":"{call_id}","sdp":"{SDP}","cause":"X","causeCode":99,"candidate":"candidate:1","state":"X"}}'
    whole = whole.replace("\r\n", "\\r\\n")
    methods = [kind.method for kind in s2c.KINDS if kind is not s2c.Punt] + ["telnyx_rtc.nonsense", ""]
    return [
        f'{{"jsonrpc":"2.0","id":"x-{n}","method":"{method}","params":{body}}}'.encode()
        for n, (method, body) in enumerate((method, body) for method in methods for body in (*bodies, whole))
    ]


@pytest.mark.parametrize("reach", ["trying", "early", "active", "held", "ringing", "destroy"])
async def test_sdk_01_nothing_that_a_platform_says_can_break_a_call(
    reach: str, client: Client, platform: LoopbackPlatform
) -> None:
    errors: list[events.ErrorRaised] = []
    client.on(events.ErrorRaised, errors.append)
    count = len(signals("x"))
    for index in range(count):
        call = await called(client, platform) if reach == "ringing" else await client.new_call("bob")
        if reach == "early":
            platform.say(s2c.Media(call_id=call.id, sdp=SDP))
        if reach in ("active", "held"):
            platform.say(s2c.Answer(call_id=call.id, sdp=SDP))
            await call.answered()
        if reach == "held":
            await call.hold()
        if reach == "destroy":
            await call.hangup()
        await settle(4)
        assert call.state == reach
        platform.deliver(signals(call.id)[index])
        await settle(4)
        await call.hangup()
        assert call.state == "destroy"
        for other in tuple(client.calls.values()):
            await other.hangup()
    assert not errors
    await client.ready()


async def test_sdk_03_a_hundred_tasks_do_everything_at_once(client: Client, platform: LoopbackPlatform) -> None:
    call = await called(client, platform)
    actions = (call.answer, call.hold, call.unhold, call.toggle_hold, call.hangup, call.restart_ice)
    outcomes = await asyncio.gather(*(actions[n % len(actions)]() for n in range(100)), return_exceptions=True)
    assert {type(outcome) for outcome in outcomes} <= {type(None), InvalidState, CallEnded}
    assert call.state == "destroy"
    await call.hangup()
    await call.flush()
    for action in (call.hold, call.answer, call.restart_ice):
        with pytest.raises(CallEnded):
            await action()


@pytest.mark.parametrize("action", ["answer", "hold", "hangup", "restart_ice", "answered", "ended", "play"])
@pytest.mark.parametrize("turns", range(6))
async def test_sdk_03_cancelling_at_any_await_leaves_nothing_behind(
    action: str, turns: int, client: Client, platform: LoopbackPlatform
) -> None:
    call = await called(client, platform) if action in ("answer", "answered") else await dialled(client, platform)
    work = call.play([]) if action == "play" else getattr(call, action)()
    task = asyncio.create_task(work)
    await settle(turns)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await settle()
    await call.hangup()
    assert call.state == "destroy"  # the fixture proves that no task and no port is left


@pytest.mark.parametrize("turns", range(12))
async def test_sdk_03_a_cancelled_dial_hangs_up(turns: int, client: Client, platform: LoopbackPlatform) -> None:
    platform.mute.add(c2s.Invite)
    task = asyncio.create_task(client.new_call("bob"))
    await settle(turns)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await settle()
    assert not client.calls
    assert len(platform.all(c2s.Invite)) >= len(platform.all(c2s.Bye))


async def test_sdk_03_commands_from_a_callback(client: Client, platform: LoopbackPlatform) -> None:
    @client.on(events.IncomingCall)
    async def take(event: events.IncomingCall) -> None:
        await event.call.answer()
        await event.call.hangup()

    call = await called(client, platform)
    assert (await call.ended()).cause == "NORMAL_CLEARING"


def test_an_invite_that_is_not_answered_times_out_and_is_taken_back(
    platform: LoopbackPlatform, core: LoopbackCore
) -> None:
    platform.mute.add(c2s.Invite)

    async def scenario() -> float:
        async with Client("ws://x", token="t", core=core, transport=platform.open) as client:
            with pytest.raises(RequestTimedOut):
                await client.new_call("bob")
            assert (await platform.heard(c2s.Bye)).cause == "RECOVERY_ON_TIMER_EXPIRE"
            return asyncio.get_running_loop().time()

    assert 10 <= run(scenario()) < 11
