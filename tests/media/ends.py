"""Two ports that call each other, on cores that tests build."""

from offhook.media.commands import (
    AcceptAnswer,
    AnswerPort,
    Codec,
    Ice,
    Meter,
    OfferPort,
    Play,
    Tone,
    Tones,
)
from offhook.media.core import Core
from offhook.media.events import Described, Event


class Ends:
    """The caller's port on one core and the called one's on another or the same, and all that happened to each."""

    def __init__(self, calling: Core, called: Core, ice: Ice = "lite", codecs: tuple[Codec, ...] = ("opus",)) -> None:
        self.calling, self.called = calling, called
        self.caller, self.callee = calling.new_port(), called.new_port()
        self.caller_events: list[Event] = []
        self.callee_events: list[Event] = []
        calling.attach(self.caller, self.caller_events.append)
        called.attach(self.callee, self.callee_events.append)
        offer = calling.request(OfferPort(self.caller, "full", list(codecs)))
        assert isinstance(offer, Described)
        answer = called.request(AnswerPort(self.callee, offer.sdp, ice, list(codecs)))
        assert isinstance(answer, Described)
        calling.request(AcceptAnswer(self.caller, answer.sdp))

    def play_tones(self, every_ms: int) -> None:
        """440 Hz to the called end and 600 Hz to the caller, both measured every `every_ms`."""
        self.calling.send(Play(self.caller, 1, tone(440), loop=0), Meter(self.caller, every_ms))
        self.called.send(Play(self.callee, 1, tone(600), loop=0), Meter(self.callee, every_ms))


def tone(hz: float, ms: int = 1_000) -> Tones:
    return Tones([Tone([hz], ms)])


def seconds(count: float) -> int:
    """In the nanoseconds that a driven core is advanced by."""
    return round(count * 1e9)
