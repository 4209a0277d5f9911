"""A client of the platform: logs in, makes calls, is called. Owns a websocket session and the calls on it."""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType, TracebackType
from typing import Any, TypeVar, overload

import msgspec

from offhook.client import events as told
from offhook.client import media
from offhook.client.audio import Playable
from offhook.client.backoff import Backoff
from offhook.client.call import Call
from offhook.client.devices import Device, Microphone, Speaker, devices, find
from offhook.client.dialog import ALL_CODECS, Dialog, Party, Terms
from offhook.client.emitter import Emitter, Subscription, Tasks
from offhook.client.session import Session
from offhook.client.transport import Opener, open_websocket
from offhook.errors import ConfigurationError, NotConnected
from offhook.media.commands import Codec
from offhook.wire import rtc_c2s as c2s
from offhook.wire import rtc_s2c as s2c

E = TypeVar("E", bound=told.Event)
T = TypeVar("T")

log = logging.getLogger("offhook.client")


class Incoming(Subscription[Call]):
    """The calls that come in, as an async iterator."""

    def put(self, item: Any) -> None:
        super().put(item.call)


class Client:
    """One login at a platform, and its calls.

    ::

        async with Client("ws://127.0.0.1:9700", login="john1234", password="…") as client:
            call = await client.new_call("gencred1", audio=Tone(440))
            await call.answered()

    Give a `login` with its `password` (a connection's or a telephony credential's), or a `token`. `core` is a media
    core of your own; without it all clients of one event loop share one. A websocket that is lost is opened again with
    `backoff`; its calls end then with the cause NETWORK_OUT_OF_ORDER. `transport` opens the websocket. `ice_servers`
    are refused (ConfigurationError) until the media core can ask them.
    """

    def __init__(
        self,
        url: str,
        *,
        login: str | None = None,
        password: str | None = None,
        token: str | None = None,
        ice_servers: Sequence[str] = (),
        core: media.MediaCore | None = None,
        backoff: Backoff | None = None,
        transport: Opener = open_websocket,
    ) -> None:
        if ice_servers:
            raise ConfigurationError(
                "ice_servers: this release uses no STUN or TURN server, only the addresses of this machine"
            )
        self.url = url
        self._login = _login(login, password, token)
        self._backoff = backoff or Backoff()
        self._opener = transport
        self._core = core
        self._media: media.MediaCore | None = None
        self._shared_on: str | None = None
        self._tasks = Tasks(self._failed)
        self._emitter = Emitter(self._tasks.spawn, self._failed)
        self._session: Session | None = None
        self._closed = False
        self._calls: dict[str, Call] = {}
        self._input: Device | None = None
        self._output: Device | None = None

    # ---- the connection --------------------------------------------------------------------------------------

    async def __aenter__(self) -> Client:
        await self.connect()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.disconnect()

    async def connect(self) -> None:
        """Open the websocket and start to log in; `ready` waits for the outcome. ConnectFailed, ConfigurationError."""
        if self._session is not None:
            return
        if self._closed:
            raise NotConnected("a client connects once; make a new one")
        session = self._session = Session(self.url, self._login, self, self._tasks, self._opener, self._backoff)
        try:
            self._open_media(await session.open())
            session.start()
        except BaseException:
            await self.disconnect()
            raise

    async def ready(self) -> None:
        """Wait until calls can be made and come in; LoginRefused, ConnectFailed or NotConnected if they never will."""
        await self._online().ready()

    async def disconnect(self) -> None:
        """Hang up every call, close the websocket, leave nothing running. A second time does nothing."""
        session = self._session
        if session is None:
            return
        try:
            await asyncio.gather(*(call.hangup() for call in tuple(self._calls.values())))
        finally:
            self._session, self._closed = None, True
            self._drop_calls()
            await self._close(session)
            self.emit(told.Disconnected("disconnect", wanted=True))
            self._emitter.close()

    async def _close(self, session: Session) -> None:
        try:
            await session.close()
        finally:
            await self._tasks.close()
            self._close_media()

    # ---- calls -----------------------------------------------------------------------------------------------

    @property
    def calls(self) -> Mapping[str, Call]:
        """The calls that are not over, by id."""
        return MappingProxyType(self._calls)

    async def new_call(
        self,
        destination: str,
        *,
        caller_number: str = "",
        caller_name: str = "",
        custom_headers: Mapping[str, str] | None = None,
        audio: Playable | None = None,
        client_state: str | None = None,
        codecs: Sequence[Codec] = ALL_CODECS,
        trickle: bool = False,
    ) -> Call:
        """Dial a number, a username or a SIP address; returns when the platform has taken the call.

        Then `await call.answered()`, or listen to its events. `audio` plays once the call is answered, the selected
        microphone where there is none. `client_state` is base64 and comes back in webhooks. `Refused` where the
        platform does not take the call; cancelling this hangs up. Emergency calls are not supported: such a call
        ends at once with the cause EMERGENCY_NOT_SUPPORTED.
        """
        await self.ready()
        terms = Terms(
            "outbound",
            caller=Party(caller_number, caller_name),
            callee=Party(destination),
            custom_headers=custom_headers or {},
            client_state=client_state,
            codecs=codecs,
            trickle=trickle,
        )
        call = self._add(str(uuid.uuid4()), terms)
        try:
            await call.dial(self._sound(audio))
        except BaseException:
            call.abandon()
            raise
        return call

    def incoming(self) -> Subscription[Call]:
        """The calls that come in from now on, as an async iterator. Each waits for `answer` or `reject`."""
        return self._emitter.subscribe(told.IncomingCall, Incoming())

    # ---- being told ------------------------------------------------------------------------------------------

    @overload
    def on(self, kind: type[E]) -> Callable[[Callable[[E], T]], Callable[[E], T]]: ...
    @overload
    def on(self, kind: type[E], handler: Callable[[E], T]) -> Callable[[E], T]: ...
    def on(self, kind: type[E], handler: Callable[[E], T] | None = None) -> Any:
        """Call `handler`, plain or async, for the events of `kind` and its subclasses; without it, a decorator.

        What a handler raises comes back as `ErrorRaised`. A plain handler that blocks holds up everything else.
        """
        return self._emitter.on(kind) if handler is None else self._emitter.on(kind, handler)

    def off(self, kind: type[E], handler: Callable[[E], object] | None = None) -> None:
        """Forget one handler of `kind`, or all of them."""
        self._emitter.off(kind, handler)

    def events(self, kind: type[E] = told.Event) -> Subscription[E]:
        """The events of `kind` from now on, those of calls included, as an async iterator."""
        return self._emitter.events(kind)

    # ---- devices ---------------------------------------------------------------------------------------------

    def devices(self) -> list[Device]:
        """The sound devices of this machine; DeviceError without the extra `audio`."""
        return devices()

    def select_input(self, device: str | int | Device | None) -> None:
        """The microphone of calls that are given no audio: an index, a part of its name, or None for silence."""
        self._input = None if device is None else find(device, recording=True)

    def select_output(self, device: str | int | Device | None) -> None:
        """The speaker that every new call is heard on, or None."""
        self._output = None if device is None else find(device, recording=False)

    # ---- for the session and the calls -------------------------------------------------------------------------

    def emit(self, event: told.Event) -> None:
        """Tell the program."""
        if isinstance(event, told.Ended):
            self._calls.pop(event.call.id, None)
        self._emitter.emit(event)

    def received(self, message: s2c.Message) -> None:
        """What the platform says, protocol matters aside."""
        match message:
            case s2c.ClientReady(reattached_sessions=survivors):
                for call_id in survivors or ():
                    self._decline(call_id)
            case s2c.Attach():
                self._decline(message.call_id)
            case s2c.Invite():
                self._called(message)
            case s2c.Ringing() | s2c.Media() | s2c.Answer() | s2c.Candidate() | s2c.EndOfCandidates() | s2c.Bye():
                if call := self._calls.get(message.call_id):
                    call.receive(message)
            case _:
                log.debug("nothing is done about %s", message.method)

    def lost(self) -> None:
        """The websocket is gone, and every call with it."""
        self._drop_calls()

    def _called(self, invite: s2c.Invite) -> None:
        terms = Terms(
            "inbound",
            caller=Party(invite.caller_id_number or "", invite.caller_id_name or ""),
            callee=Party(invite.callee_id_number or "", invite.callee_id_name or ""),
            custom_headers={header.name: header.value for header in invite.headers},
            client_state=invite.client_state,
            trickle=invite.trickle,
            offer=invite.sdp,
        )
        call = self._add(invite.call_id, terms)
        call.offered(invite)
        self.emit(told.IncomingCall(call))

    def _decline(self, call_id: str) -> None:
        """A call of an earlier websocket, which has ended here when that was lost."""
        dialog = c2s.DialogParams(browser_call_id=call_id)
        self._online().ask(c2s.Bye(dialog=dialog, cause="NETWORK_OUT_OF_ORDER", cause_code=38))

    def _add(self, call_id: str, terms: Terms) -> Call:
        core = self._media
        assert core is not None  # it lives as long as the session
        call = Call(Dialog(call_id, terms, self._online()), core, self._tasks, self.emit)
        self._calls[call_id] = call
        if self._output is not None:
            call.attach(Speaker(self._output))
        return call

    def _sound(self, audio: Playable | None) -> Playable | None:
        return Microphone(self._input) if audio is None and self._input is not None else audio

    def _drop_calls(self) -> None:
        for call in tuple(self._calls.values()):
            call.lose()

    def _online(self) -> Session:
        if self._session is None:
            raise NotConnected("not connected: use `async with Client(…)`, or call `connect`")
        return self._session

    def _failed(self, error: Exception) -> None:
        self.emit(told.ErrorRaised(error))

    def _open_media(self, address: str) -> None:
        self._media = self._core
        if self._media is None:
            self._media = media.acquire(address)
            self._shared_on = address

    def _close_media(self) -> None:
        if self._shared_on is not None:
            address, self._shared_on = self._shared_on, None
            media.release(address)


def _login(login: str | None, password: str | None, token: str | None) -> c2s.Login:
    """ConfigurationError unless there is a login with its password, or a token."""
    if token is None and (not login or password is None):
        raise ConfigurationError("give a login with its password, or a token")
    if token is not None and login is not None:
        raise ConfigurationError("give a login with its password, or a token, not both")
    agent = {"sdkVersion": "offhook-0.1.0", "data": "Python"}
    return c2s.Login(
        login=login, password=password, token=token, user_agent_raw=msgspec.Raw(msgspec.json.encode(agent))
    )
