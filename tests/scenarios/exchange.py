"""A switchboard among fakes, with which the call scripts of this directory are played."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from offhook.engine.active import ActiveLegs
from offhook.engine.ladders import RecentLadders
from offhook.engine.ports import AudioSource
from offhook.engine.quality import Quality
from offhook.engine.switchboard import Limits, Switchboard
from offhook.testing.clock import LoopClock
from offhook.testing.fakes import (
    FakeAudio,
    FakeCore,
    FakePhone,
    FakeRecorder,
    FakeShadow,
    OpenDialplan,
    Reflex,
    SeededChance,
)
from offhook.testing.script import Stage
from offhook.voice.binding import Bindings
from offhook.voice.leg import DialogId


class Exchange:
    """Everything a call script needs to play and to look."""

    def __init__(
        self, limits: Limits | None, core: FakeCore | None, shadow: FakeShadow | None, audio: AudioSource | None = None
    ) -> None:
        self.core = core or FakeCore()
        self.shadow = shadow or FakeShadow()
        self.clock = LoopClock(wall=1_800_000_000.0)
        self.ladders = RecentLadders()
        self.bindings = Bindings()
        self.dialplan = OpenDialplan(self.bindings)
        self.active = ActiveLegs(lambda _: None)
        self.audio = FakeAudio()
        self.quality = Quality()
        self.switchboard = Switchboard(
            core=self.core,
            dialplan=self.dialplan,
            bindings=self.bindings,
            active=self.active,
            shadow=self.shadow,
            ladders=self.ladders,
            clock=self.clock,
            chance=SeededChance(),
            limits=limits,
            audio=audio or self.audio,
            quality=self.quality,
            recorder=FakeRecorder(self.core),
        )
        self.core.tell = self.switchboard.media_event

    def phone(self, username: str, reflex: Reflex = "ring") -> FakePhone:
        return FakePhone(self.switchboard, username, reflex)

    def stage(self) -> Stage:
        """Where a call script is played among these fakes."""
        return Stage(
            self.phone,
            connect=lambda phone: self.core.connect(self.port_of(phone)),
            fail=lambda phone: self.core.fail(self.port_of(phone)),
        )

    def connect(self) -> None:
        """The far ends of all open ports come up."""
        for port in tuple(self.core.hears):
            self.core.connect(port)

    def port_of(self, phone: FakePhone) -> int:
        """The port of a phone's live call; KeyError where it has none."""
        wanted = DialogId(phone.binding, phone.dialog)
        for port, owner in self.switchboard.owners.ports.items():
            if owner.session.floor.ports.get(port) == wanted:
                return port
        raise KeyError(phone.username)

    def ladder(self) -> list[str]:
        """What everybody saw, of all sessions, one after the other."""
        return [line.full() for session in self.ladders.sessions() for line in self.ladders.ladder(session) or ()]


@asynccontextmanager
async def exchange(
    limits: Limits | None = None,
    core: FakeCore | None = None,
    shadow: FakeShadow | None = None,
    audio: AudioSource | None = None,
) -> AsyncIterator[Exchange]:
    made = Exchange(limits, core, shadow, audio)
    async with made.switchboard:
        yield made
