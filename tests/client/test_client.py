"""Category: unit. The client's websocket: log-in and its refusals, loss and return, callbacks, the end."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

import pytest

from offhook import (
    Call,
    Client,
    ConfigurationError,
    ConnectFailed,
    LoginRefused,
    MediaError,
    NotConnected,
    OffhookError,
    events,
)
from offhook.client.backoff import Backoff
from offhook.testing.clock import run
from offhook.wire import rtc_c2s as c2s
from offhook.wire import rtc_s2c as s2c
from offhook.wire.rtc_values import Code

from .loopback import SDP, LoopbackCore, LoopbackPlatform, settle


def make(platform: LoopbackPlatform, core: LoopbackCore, **more: object) -> Client:
    options = {"token": "t", "core": core, "transport": platform.open, "backoff": Backoff(first=0.0, cap=0.0)}
    return Client("ws://loopback", **{**options, **more})  # type: ignore[arg-type]


# ---- log-in ------------------------------------------------------------------------------------------------


async def test_login_says_who_and_ready_says_the_session(platform: LoopbackPlatform, core: LoopbackCore) -> None:
    client = make(platform, core, token=None, login="john1234", password="secret")
    told = client.events(events.Event)
    async with client:
        await client.ready()
        login = platform.all(c2s.Login)[0]
        assert (login.login, login.password, login.token) == ("john1234", "secret", None)
        assert "offhook" in login.user_agent
        assert [await anext(told), await anext(told)] == [events.Connected("ws://loopback"), events.Ready("session-1")]


async def test_a_token_logs_in_alone(platform: LoopbackPlatform, core: LoopbackCore) -> None:
    async with make(platform, core, token="a.b.c") as client:
        await client.ready()
    assert platform.all(c2s.Login)[0].token == "a.b.c"


@pytest.mark.parametrize(
    "options", [{"token": None}, {"token": None, "login": "x"}, {"login": "x"}, {"ice_servers": ["stun:x"]}]
)
def test_what_cannot_work_is_said_at_once(
    options: dict[str, object], platform: LoopbackPlatform, core: LoopbackCore
) -> None:
    with pytest.raises(ConfigurationError):
        make(platform, core, **options)


async def test_a_refused_login_is_final(platform: LoopbackPlatform, core: LoopbackCore) -> None:
    platform.refuses[c2s.Login] = (Code.LOGIN_REFUSED, "Login Incorrect")
    async with make(platform, core) as client:
        told = client.events(events.ErrorRaised)
        with pytest.raises(LoginRefused) as refused:
            await client.ready()
        assert (refused.value.code, refused.value.message) == (-32001, "Login Incorrect")
        assert (await anext(told)).error is refused.value
        with pytest.raises(LoginRefused):
            await client.new_call("bob")
    assert len(platform.urls) == 1


async def test_a_platform_that_is_down_is_told_by_connect(platform: LoopbackPlatform, core: LoopbackCore) -> None:
    platform.down = True
    with pytest.raises(ConnectFailed):
        async with make(platform, core):
            pass
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_a_machine_without_a_socket_for_audio_cannot_connect(
    platform: LoopbackPlatform, monkeypatch: pytest.MonkeyPatch
) -> None:
    def none_left(*_: object, **__: object) -> None:
        raise OSError("Address already in use")

    monkeypatch.setattr("offhook.media.core.Core", none_left)
    with pytest.raises(MediaError, match="Address already in use"):
        async with Client("ws://loopback", token="t", transport=platform.open):
            pass
    assert platform.pipe is None
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_nothing_can_be_done_before_or_after(client: Client, platform: LoopbackPlatform) -> None:
    fresh = make(platform, LoopbackCore())
    with pytest.raises(NotConnected):
        await fresh.ready()
    await client.disconnect()
    await client.disconnect()
    for action in (client.ready, client.connect):
        with pytest.raises(NotConnected):
            await action()


async def test_the_password_is_in_no_log_line_and_no_repr(
    platform: LoopbackPlatform, core: LoopbackCore, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    async with make(platform, core, token=None, login="john1234", password="hush-hush") as client:
        await client.ready()
        assert "hush-hush" not in caplog.text + repr(client) + repr(vars(client))


# ---- loss and return ---------------------------------------------------------------------------------------


async def test_a_lost_websocket_ends_calls_tells_and_comes_back(client: Client, platform: LoopbackPlatform) -> None:
    call = await client.new_call("bob")
    platform.say(s2c.Answer(call_id=call.id, sdp=SDP))
    await call.answered()
    told = client.events(events.SocketEvent)
    ready = client.events(events.Ready)
    token = platform.connection.voice_sdk_id
    platform.survivors = (call.id,)
    platform.drop()
    assert (await call.ended()).cause == "NETWORK_OUT_OF_ORDER"
    await anext(ready)
    assert [await anext(told) for _ in range(3)] == [
        events.Disconnected("the pipe broke", wanted=False),
        events.Reconnecting(1, 0.0),
        events.Connected("ws://loopback"),
    ]
    assert platform.urls[1] == f"ws://loopback?voice_sdk_id={token}"
    login = platform.all(c2s.Login)[1]
    assert (login.reconnection, login.session_id) == (True, "session-1")
    # The platform kept the call for us; it is told that nobody is there any more.
    assert (await platform.heard(c2s.Bye)).call_id == call.id


async def test_what_waits_for_an_answer_is_told_of_the_loss(client: Client, platform: LoopbackPlatform) -> None:
    platform.mute.add(c2s.Invite)
    dialling = asyncio.create_task(client.new_call("bob"))
    await platform.heard(c2s.Invite)
    platform.drop()
    with pytest.raises(OffhookError):
        await dialling
    assert not client.calls


async def test_it_gives_up_after_so_many_tries(platform: LoopbackPlatform, core: LoopbackCore) -> None:
    async with make(platform, core, backoff=Backoff(first=0.0, cap=0.0, tries=3)) as client:
        await client.ready()
        platform.down = True
        failed = client.events(events.ErrorRaised)
        platform.drop()
        assert isinstance((await anext(failed)).error, ConnectFailed)
        with pytest.raises(ConnectFailed):
            await client.ready()
    assert len(platform.urls) == 4


def test_backoff_doubles_to_its_cap_give_or_take_a_quarter() -> None:
    backoff = Backoff()
    assert [backoff.delay(attempt, 0.5) for attempt in (1, 2, 3, 5, 6, 10, 11)] == [1, 2, 4, 16, 30, 30, None]
    assert backoff.delay(1, 0.0) == 0.75
    assert backoff.delay(10, 1.0) == 37.5
    assert Backoff(tries=None).delay(10_000, 0.5) == 30


def test_a_silent_platform_is_noticed(platform: LoopbackPlatform, core: LoopbackCore) -> None:
    async def scenario() -> list[events.Event]:
        async with make(platform, core) as client:
            await client.ready()
            told = client.events(events.Disconnected)
            ready = client.events(events.Ready)
            platform.silent = True
            lost = await anext(told)
            return [lost, await anext(ready)]

    lost, ready = run(scenario())
    assert isinstance(lost, events.Disconnected)
    assert not lost.wanted
    assert ready == events.Ready("session-1")


@pytest.mark.parametrize(("silent_on", "ask"), [(c2s.Modify, Call.hold), (c2s.Bye, Call.hangup)], ids=["modify", "bye"])
def test_a_request_without_its_answer_is_noticed_after_ten_seconds(
    silent_on: type[c2s.Message], ask: Callable[[Call], Awaitable[None]], platform: LoopbackPlatform, core: LoopbackCore
) -> None:
    async def scenario() -> float:
        async with make(platform, core) as client:
            call = await client.new_call("bob")
            platform.say(s2c.Answer(call_id=call.id, sdp=SDP))
            await call.answered()
            told = client.events(events.Disconnected)
            platform.mute.add(silent_on)
            started = asyncio.get_running_loop().time()
            asking = asyncio.ensure_future(ask(call))
            assert "not answered" in (await anext(told)).reason
            await asyncio.gather(asking, return_exceptions=True)
            return asyncio.get_running_loop().time() - started

    assert 10 <= run(scenario()) < 10.1


async def test_a_punt_is_final(client: Client, platform: LoopbackPlatform) -> None:
    call = await client.new_call("bob")
    platform.say(s2c.Punt())
    assert (await call.ended()).cause == "NETWORK_OUT_OF_ORDER"
    await settle()
    assert len(platform.urls) == 1


def test_a_registration_that_is_not_there_yet_is_asked_for(platform: LoopbackPlatform, core: LoopbackCore) -> None:
    async def scenario() -> float:
        async with make(platform, core) as client:
            await client.ready()
            platform.drop()
            await anext(client.events(events.Connected))
            platform.say(s2c.GatewayState(state="NOREG"))
            await client.ready()
            return asyncio.get_running_loop().time()

    assert run(scenario()) < 7


# ---- callbacks (SDK-04) --------------------------------------------------------------------------------------


async def test_sdk_04_a_handler_that_fails_hurts_nobody(client: Client, platform: LoopbackPlatform) -> None:
    errors: list[Exception] = []
    seen: list[str] = []

    @client.on(events.ErrorRaised)
    def failed(event: events.ErrorRaised) -> None:
        errors.append(event.error)
        raise RuntimeError("and the error handler, too")

    @client.on(events.IncomingCall)
    def bad(event: events.IncomingCall) -> None:
        raise ValueError("plain")

    @client.on(events.IncomingCall)
    async def worse(event: events.IncomingCall) -> None:
        raise ValueError("async")

    client.on(events.ClientEvent, lambda event: seen.append(type(event).__name__))
    platform.call()
    await settle()
    assert [str(error) for error in errors] == ["plain", "async"]
    assert sorted(seen) == ["ErrorRaised", "ErrorRaised", "IncomingCall"]


async def test_off_forgets(client: Client, platform: LoopbackPlatform) -> None:
    seen: list[events.Event] = []
    handler = client.on(events.IncomingCall, seen.append)
    client.off(events.IncomingCall, handler)
    client.off(events.IncomingCall, handler)
    client.on(events.IncomingCall, seen.append)
    client.off(events.IncomingCall)
    platform.call()
    await settle()
    assert not seen


async def test_disconnect_from_a_handler(platform: LoopbackPlatform, core: LoopbackCore) -> None:
    client = make(platform, core)
    told = client.events(events.Disconnected)

    @client.on(events.IncomingCall)
    async def leave(event: events.IncomingCall) -> None:
        await client.disconnect()

    await client.connect()
    await client.ready()
    platform.call()
    assert (await anext(told)).wanted
    await settle()
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_disconnect_hangs_up_and_ends_every_iterator(platform: LoopbackPlatform, core: LoopbackCore) -> None:
    async with make(platform, core) as client:
        call = await client.new_call("bob")
        told, calls, frames = client.events(events.CallEvent), client.incoming(), call.audio()
    assert [type(event).__name__ async for event in told] == ["StateChanged", "Ended", "StateChanged"]
    assert [call async for call in calls] == []
    assert [frame async for frame in frames] == []
    assert platform.all(c2s.Bye)
