"""The real media core in turned time, and a phone with ears and a voice on it. Nothing is faked but the network."""

import asyncio

from offhook.engine.ports import Exchange, Headers, Invitation, LegIds
from offhook.media.commands import (
    AcceptAnswer,
    AnswerPort,
    ClosePort,
    CoreConfig,
    Meter,
    Network,
    OfferPort,
    Play,
    Request,
    SendDigits,
    Tone,
    Tones,
)
from offhook.media.core import Core
from offhook.media.events import Described, DigitReceived, Event, Metered, PortClosed, PortConnected, PortFailed, Reply
from offhook.testing.clock import TurnedLoop
from offhook.testing.fakes import FakePhone, FakeReply, Reflex

# Ports of phones are numbered apart from those of the switchboard, which shares the core with them.
_FIRST_PHONE_PORT = 1_000_000
METER_MS = 200


class DrivenCore(Core):
    """A driven core that knows how many of its ports are open, and moves with the running turned loop."""

    def __init__(self, network: Network | None = None) -> None:
        super().__init__(CoreConfig(driven=True, network=network or Network()))
        self._open: set[int] = set()
        self._last_port = _FIRST_PHONE_PORT
        loop = asyncio.get_running_loop()
        if not isinstance(loop, TurnedLoop):
            raise TypeError("a driven core needs a turned loop: use offhook.testing.clock.run")
        loop.media = self

    @property
    def ports(self) -> int:
        return len(self._open)

    def ask(self, request: Request) -> Reply:
        reply = super().ask(request)
        if isinstance(request, AnswerPort | OfferPort) and isinstance(reply, Described):
            self._open.add(request.port)
        return reply

    def _hand_out(self, event: Event) -> None:
        self.note(event)
        super()._hand_out(event)

    def note(self, event: Event) -> None:
        """Know which ports have closed."""
        if isinstance(event, PortClosed):
            self._open.discard(event.stats.port)
        elif isinstance(event, PortFailed):
            self._open.discard(event.port)


class TalkingPhone(FakePhone):
    """A phone that sends a tone of `hz` once its call is up, and knows what it hears.

    `heard` is the strongest tone (Hz; 0: none) and level (dBov) of the last 200 ms, `digits` what came as DTMF.
    """

    def __init__(self, exchange: Exchange, username: str, core: DrivenCore, hz: float, reflex: Reflex = "ring") -> None:
        super().__init__(exchange, username, reflex)
        self._core = core
        self._hz = hz
        self.port = 0
        self.heard = (0.0, -127.0)
        self.digits = ""
        self.connected = 0

    def call(self, destination: str) -> FakeReply:
        """Dial with a real offer."""
        self.port = self._new_port()
        return self.dial(destination, self._described(OfferPort(self.port, ice="full")))

    def progress(self, dialog: str, sdp: str, ids: LegIds) -> None:
        super().progress(dialog, sdp, ids)
        self._core.request(AcceptAnswer(self.port, sdp))

    def answer(self, dialog: str, sdp: str | None, ids: LegIds, headers: Headers = ()) -> None:
        super().answer(dialog, sdp, ids, headers)
        if sdp is not None:
            self._core.request(AcceptAnswer(self.port, sdp))

    def invite(self, dialog: str, invitation: Invitation) -> None:
        self.port = self._new_port()
        self._answer = self._described(AnswerPort(self.port, invitation.sdp, ice="full"))
        super().invite(dialog, invitation)

    def answer_call(self, sdp: str = "") -> FakeReply:
        return super().answer_call(sdp or self._answer)

    def send_in_audio(self, digits: str) -> None:
        """Press keys that travel with the audio (RFC 4733)."""
        self._core.send(SendDigits(self.port, digits))

    def meter(self, every_ms: int = METER_MS) -> None:
        """Measure what is heard this often; 0 stops it, which saves long calls their decoding."""
        self._core.send(Meter(self.port, every_ms))

    def put_down(self) -> None:
        """Let go of its own end of the audio."""
        self._core.send(ClosePort(self.port))

    def _new_port(self) -> int:
        port = self._core.new_port()
        self._core.attach(port, self._on_event)
        return port

    def _described(self, request: OfferPort | AnswerPort) -> str:
        described = self._core.request(request)
        assert isinstance(described, Described)  # what else answers a request for a description
        self._core.send(Meter(self.port, METER_MS), Play(self.port, 1, Tones([Tone([self._hz], 1000)]), loop=0))
        return described.sdp

    def _on_event(self, event: Event) -> None:
        match event:
            case Metered():
                self.heard = (event.inbound.tone_hz, event.inbound.level)
            case DigitReceived():
                self.digits += event.digit
            case PortConnected():
                self.connected += 1
            case _:
                pass
