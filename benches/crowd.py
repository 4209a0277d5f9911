"""Far ends for load: raw websockets that speak the browser SDK's protocol with as little work of their own as possible.

Their audio, where they have any, comes from a media core that all far ends of a crowd share.
"""

import asyncio
import contextlib
import itertools
import uuid
from collections.abc import AsyncGenerator, Callable
from typing import Protocol

import aiohttp

from benches.platform import Identity
from offhook.media.commands import AcceptAnswer, AnswerPort, ClosePort, OfferPort
from offhook.media.core import Core
from offhook.media.events import Described
from offhook.wire import rtc, rtc_c2s, rtc_s2c
from offhook.wire.rtc_dialog import Stage

ANSWER_SECONDS = 20.0


class Refused(Exception):
    """The platform refused a request of a far end."""


class Audio(Protocol):
    """Where a far end has its SDP from."""

    def offer(self, call: str) -> str: ...
    def answer(self, call: str, offer: str) -> str: ...
    def accept(self, call: str, answer: str) -> None: ...
    def close(self, call: str) -> None: ...


class CannedAudio:
    """The same offer and answer for every call: the platform opens ports for them, and nobody ever connects."""

    def __init__(self, core: Core) -> None:
        offered, answered = core.new_port(), core.new_port()
        self._offer = _described(core, OfferPort(offered, ice="full"))
        self._answer = _described(core, AnswerPort(answered, self._offer, ice="full"))
        core.send(ClosePort(offered), ClosePort(answered))

    def offer(self, call: str) -> str:
        del call
        return self._offer

    def answer(self, call: str, offer: str) -> str:
        del call, offer
        return self._answer

    def accept(self, call: str, answer: str) -> None: ...
    def close(self, call: str) -> None: ...


class RealAudio:
    """A port for every call: ICE, DTLS and SRTP connect, and silence flows unless `opened` orders something else."""

    def __init__(self, core: Core, opened: Callable[[int], None] = lambda _: None) -> None:
        self._core = core
        self._opened = opened
        self._ports: dict[str, int] = {}

    def offer(self, call: str) -> str:
        return _described(self._core, OfferPort(self._new_port(call), ice="full"))

    def answer(self, call: str, offer: str) -> str:
        port = self._new_port(call)
        answer = _described(self._core, AnswerPort(port, offer, ice="full"))
        self._opened(port)
        return answer

    def accept(self, call: str, answer: str) -> None:
        self._core.request(AcceptAnswer(self._ports[call], answer))
        self._opened(self._ports[call])

    def close(self, call: str) -> None:
        port = self._ports.pop(call, None)
        if port is not None:
            self._core.send(ClosePort(port))

    def _new_port(self, call: str) -> int:
        return self._ports.setdefault(call, self._core.new_port())


def _described(core: Core, request: OfferPort | AnswerPort) -> str:
    described = core.request(request)
    assert isinstance(described, Described)  # what else answers a request for a description
    return described.sdp


class FarEnd:
    """One client on one websocket. It answers every call at once, with its `audio`."""

    _calls = itertools.count()

    def __init__(self, socket: aiohttp.ClientWebSocketResponse, audio: Audio) -> None:
        loop = asyncio.get_running_loop()
        self.ready: asyncio.Future[None] = loop.create_future()
        self._socket = socket
        self._audio = audio
        self._connection = rtc.Connection(rtc.Role.CLIENT, lambda: str(uuid.uuid4()), loop.time())
        self._answered: dict[str, asyncio.Future[None]] = {}
        self._over: dict[str, asyncio.Future[None]] = {}
        self._reader = asyncio.create_task(self._read())

    async def log_in(self, who: Identity) -> None:
        """Returns when the registration is confirmed; `Refused` where it is not."""
        await self._send(rtc_c2s.Login(login=who.login, password=who.password))
        async with asyncio.timeout(ANSWER_SECONDS):
            await self.ready

    async def call(self, destination: str) -> str:
        """Dial, and return the callID when the far end has answered."""
        call = f"call-{next(self._calls)}"
        loop = asyncio.get_running_loop()
        self._answered[call], self._over[call] = loop.create_future(), loop.create_future()
        dialog = rtc_c2s.DialogParams(browser_call_id=call, destination_number=destination)
        await self._send(rtc_c2s.Invite(dialog=dialog, sdp=self._audio.offer(call)))
        async with asyncio.timeout(ANSWER_SECONDS):
            await self._answered[call]
        return call

    async def hang_up(self, call: str) -> None:
        """Returns when the platform has confirmed it."""
        self._audio.close(call)
        dialog = rtc_c2s.DialogParams(browser_call_id=call)
        await self._send(rtc_c2s.Bye(dialog=dialog, cause="NORMAL_CLEARING", cause_code=16))
        async with asyncio.timeout(ANSWER_SECONDS):
            await self._over[call]
        del self._over[call], self._answered[call]

    async def close(self) -> None:
        await self._socket.close()
        await self._reader

    # ---- the socket --------------------------------------------------------------------------------------------

    async def _read(self) -> None:
        async for message in self._socket:
            for event in self._connection.receive(message.data, asyncio.get_running_loop().time()):
                await self._handle(event)
            await self._flush()

    async def _send(self, message: rtc_c2s.Message) -> None:
        self._connection.send(message)
        await self._flush()

    async def _flush(self) -> None:
        for frame in self._connection.frames():
            await self._socket.send_frame(frame, aiohttp.WSMsgType.TEXT)

    async def _handle(self, event: rtc.Event) -> None:
        match event:
            case rtc.GatewayReported():
                _settle(self.ready)
            case rtc.Refused(request=request, text=text):
                self._refused(request, Refused(text))
            case rtc.Succeeded(request=rtc_c2s.Bye(dialog=dialog)):
                _settle(self._over.get(dialog.call_id))
            case rtc.Received(message=rtc_s2c.Invite() as invite):
                dialog = rtc_c2s.DialogParams(browser_call_id=invite.call_id)
                answer = self._audio.answer(invite.call_id, invite.sdp)
                await self._send(rtc_c2s.Answer(dialog=dialog, sdp=answer))
            case rtc.Received(message=rtc_s2c.Media(call_id=call, sdp=sdp)):
                self._audio.accept(call, sdp)
            case rtc.Received(message=rtc_s2c.Answer(call_id=call, sdp=sdp)):
                if sdp is not None:
                    self._audio.accept(call, sdp)
                _settle(self._answered.get(call))
            case rtc.Received(message=rtc_s2c.Bye(call_id=call, cause=cause)):
                self._audio.close(call)
                _settle(self._answered.get(call), Refused(str(cause)))
            case _:
                pass

    def _refused(self, request: rtc.Message, error: Refused) -> None:
        match request:
            case rtc_c2s.Login():
                _settle(self.ready, error)
            case rtc_c2s.Invite(dialog=dialog):
                _settle(self._answered.get(dialog.call_id), error)
            case _:
                pass

    def in_calls(self) -> int:
        """How many calls it knows of that are not over."""
        return sum(self._connection.dialogs.stage(call) is not Stage.NONE for call in self._over)


def _settle(future: asyncio.Future[None] | None, error: Exception | None = None) -> None:
    if future is None or future.done():
        return
    if error is None:
        future.set_result(None)
    else:
        future.set_exception(error)


class Crowd:
    """Far ends of one platform, with the HTTP session and the media core that they share."""

    def __init__(self, http: aiohttp.ClientSession, core: Core, url: str) -> None:
        self.core = core
        self._http = http
        self._url = url
        self._far_ends: list[FarEnd] = []

    async def join(self, who: Identity, audio: Audio) -> FarEnd:
        """A far end that is logged in; it stays until the crowd goes."""
        far_end = await self.enter(who, audio)
        self._far_ends.append(far_end)
        return far_end

    async def enter(self, who: Identity, audio: Audio) -> FarEnd:
        """A far end that is logged in, and that the caller must close."""
        far_end = FarEnd(await self._http.ws_connect(self._url), audio)
        try:
            await far_end.log_in(who)
        except BaseException:
            await far_end.close()
            raise
        return far_end

    async def leave(self) -> None:
        await asyncio.gather(*(far_end.close() for far_end in self._far_ends))
        self._far_ends.clear()


@contextlib.asynccontextmanager
async def crowd(url: str) -> AsyncGenerator[Crowd, None]:
    """A crowd that goes when the block ends."""
    connector = aiohttp.TCPConnector(limit=0)
    with Core() as core:
        core.start(asyncio.get_running_loop())
        async with aiohttp.ClientSession(connector=connector) as http:
            gathered = Crowd(http, core, url)
            try:
                yield gathered
            finally:
                await gathered.leave()
