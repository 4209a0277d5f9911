"""Honest stand-ins for what the engine needs: they keep the same promises as the real thing, in memory.

A fake core carries no audio, but it knows what every port would hear; a fake phone is a far end with buttons.
"""

import asyncio
import random
import uuid
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any, Literal, cast

from offhook.engine.ports import Contact, Exchange, Headers, Identity, Invitation, Invite, LegIds, NoAudio, Referral
from offhook.engine.switchboard import Switchboard
from offhook.media import commands as media
from offhook.media import events
from offhook.voice.binding import Bindings
from offhook.voice.callbacks import Callbacks
from offhook.voice.cause import Ending, ending
from offhook.voice.command import CommandRule, read
from offhook.voice.commands import (
    CALL_COMMANDS,
    CONFERENCE_COMMANDS,
    CREATE_CONFERENCE,
    CREATE_QUEUE,
    DIAL,
    JOIN_CONFERENCE,
    QUEUE_COMMANDS,
    UPDATE_PARTICIPANT,
)
from offhook.voice.commands.call.dial import Dial
from offhook.voice.conference import Card as ConferenceCard
from offhook.voice.dialing import Decision, Dialled, Park, Permitted, Refuse, Ring
from offhook.voice.effect import (
    Close,
    DropQueue,
    Durable,
    KeepConference,
    KeepQueue,
    KeepRecording,
    PauseRecord,
    Record,
    Recording,
    Remember,
    Save,
    StopRecord,
    Tell,
)
from offhook.voice.event import Event
from offhook.voice.leg import HoldAction, Party, Ringback
from offhook.voice.queue import Card
from offhook.voice.recording import Card as RecordingCard
from offhook.voice.resources.problem import Rejected
from offhook.voice.sound import Clip, Source, Speech, Stored
from offhook.voice.terms import NONE, Terms
from offhook.wire.ssml import Words

GARBAGE = "garbage"
# The play by which a port gets the platform's own sounds.
PLATFORM_PLAY = 1
EndOfRecord = Literal["stopped", "closed", "max_length", "silence", "no_space", "failed"]
Reflex = Literal["nothing", "ring", "answer"]


class FakeCore:
    """A media core without media: it refuses the offer or answer "garbage" and grants everything else.

    `hears` is what each open port hears, `circles` who speaks on each circle, `plays` what is played to a port,
    `played` all that ever was, `loops` how often each of it, `digits` what was sent to its far end, `recordings` what
    is recorded and `paused` which of it is, `denoised` whose noise is taken away.
    Set `tell` to where its events shall go.
    """

    def __init__(self, max_ports: int = 10_000) -> None:
        self.hears: dict[int, list[int]] = {}
        self.circles: dict[int, media.Convene] = {}
        self.plays: dict[int, dict[int, media.Tones | media.Audio]] = {}
        self.played: dict[int, list[media.Tones | media.Audio]] = {}
        self.loops: dict[int, list[int]] = {}
        self.digits: dict[int, str] = {}
        self.recordings: dict[str, media.Record] = {}
        self.paused: dict[str, bool] = {}
        self.candidates: dict[int, list[str]] = {}
        self.denoised: dict[int, media.Denoise] = {}
        self.tell: Callable[[events.Event], None] = lambda _: None
        self.fallback = self.tell
        self._offered: set[int] = set()
        self._max_ports = max_ports

    def ask(self, request: media.Request) -> events.Reply:
        match request:
            case media.AnswerPort(port, offer):
                return self._open(port, offer, f"answer of port {port}")
            case media.OfferPort(port):
                described = self._open(port, "", f"offer of port {port}")
                self._offered.add(port)
                return described
            case media.AcceptAnswer(port, answer):
                return self._accept(port, answer)
            case media.AnswerReoffer(port, offer):
                refused = self._refusal(port, offer)
                return refused or events.Described(f"new answer of port {port}", "opus")
            case media.Reoffer(port):
                return self._refusal(port, "") or events.Described(f"new offer of port {port}")
            case media.ReadStats(port):
                return self._refusal(port, "") or _no_stats(port)
            case media.ReadCounters():
                return events.Counters(len(self.hears), 0, 0, 0, 0, 0, 0)

    def send(self, *commands: media.Command) -> None:
        for command in commands:
            self._obey(command)

    def _obey(self, command: media.Command) -> None:
        port = command.port
        if isinstance(command, media.Convene):
            self.circles[port] = command
            for table in (self.played, self.loops):
                table.setdefault(port, [])
            self.plays.setdefault(port, {})
        if port not in self.hears and port not in self.circles:
            return
        match command:
            case media.Hear():
                self.hears[port] = command.speakers
            case media.Denoise():
                self.denoised[port] = command
            case media.Play():
                self.plays[port][command.play] = command.source
                self.played[port].append(command.source)
                self.loops[port].append(command.loop)
            case media.StopPlay():
                self.plays[port].pop(command.play, None)
            case media.SendDigits():
                self.digits[port] += command.digits
            case media.AddCandidate():
                self.candidates[port].append(command.candidate)
            case media.Record():
                self.recordings[command.recording] = command
            case media.PauseRecord():
                self.paused[command.recording] = command.paused
            case media.StopRecord():
                self.end_recording(command.recording, "stopped")
            case media.ClosePort() if port in self.circles:
                self._end_circle(port)
            case media.ClosePort():
                self._close(port)
            case _:
                pass

    def end_recording(self, recording: str, reason: EndOfRecord = "silence") -> None:
        """A recording ends, of which nothing is written."""
        record = self.recordings.pop(recording, None)
        if record is not None:
            self.tell(events.RecordEnded(record.port, recording, 0, reason))

    def connect(self, port: int) -> None:
        """The far end's ICE and DTLS come up."""
        self.tell(events.PortConnected(port, "udp", "127.0.0.1:1", "127.0.0.1:2"))

    def fail(self, port: int, reason: str = "ice_failed") -> None:
        """The port dies by itself."""
        self._forget(port)
        self.tell(events.PortFailed(port, reason))

    def finish(self, port: int) -> None:
        """The first of the customers' plays of this port comes to its end."""
        play = min(number for number in self.plays[port] if number != PLATFORM_PLAY)
        del self.plays[port][play]
        self.tell(events.PlayEnded(port, play, "completed"))

    def press(self, port: int, digit: str) -> None:
        """The far end presses a key in its audio stream."""
        self.tell(events.DigitReceived(port, digit, 100))

    @property
    def open_ports(self) -> set[int]:
        """Circles are ports, too."""
        return self.hears.keys() | self.circles.keys()

    def heard_on(self, port: int) -> list[int]:
        """The ports that a port hears, those on its circle among them."""
        heard: list[int] = []
        for each in self.hears[port]:
            heard += self.circles[each].speakers if each in self.circles else [each]
        return [each for each in heard if each != port]

    def _open(self, port: int, sdp: str, ours: str) -> events.Described | events.Refused:
        if port in self.hears:
            return events.Refused("port_exists", f"port {port}")
        if len(self.hears) >= self._max_ports:
            return events.Refused("too_many_ports", "no port is left")
        if sdp == GARBAGE:
            return events.Refused("sdp_syntax", "not an SDP", sdp)
        self.hears[port], self.plays[port], self.played[port], self.loops[port] = [], {}, [], []
        self.digits[port], self.candidates[port] = "", []
        return events.Described(ours, "opus")

    def _accept(self, port: int, answer: str) -> events.Done | events.Refused:
        refused = self._refusal(port, answer)
        if refused is None and port not in self._offered:
            refused = events.Refused("wrong_state", "an answer without an offer")
        if refused is not None:
            return refused
        self._offered.discard(port)
        return events.Done("opus")

    def _refusal(self, port: int, sdp: str) -> events.Refused | None:
        if port not in self.hears:
            return events.Refused("unknown_port", f"port {port}")
        return events.Refused("sdp_syntax", "not an SDP", sdp) if sdp == GARBAGE else None

    def _close(self, port: int) -> None:
        self._forget(port)
        self.tell(events.PortClosed(_no_stats(port)))

    def _end_circle(self, port: int) -> None:
        del self.circles[port]
        self._forget(port)
        for recording in [id for id, record in self.recordings.items() if record.port == port]:
            self.end_recording(recording, "closed")

    def _forget(self, port: int) -> None:
        for table in (self.hears, self.plays, self.played, self.loops, self.digits, self.candidates):
            table.pop(port, None)
        self._offered.discard(port)


def _no_stats(port: int) -> events.PortStats:
    return events.PortStats(port, None, None, events.Direction(), events.Direction())


class FakeRecorder:
    """Has a core record, and keeps nothing (`ports.Recorder`). Its files are named as the recordings are."""

    def __init__(self, core: FakeCore) -> None:
        self._core = core

    def perform(self, it: Recording) -> None:
        match it:
            case Record(port, card):
                channels = 2 if card.settings.kept_channels == "dual" else 1
                self._core.send(media.Record(port, card.id, card.id, 16_000, card.settings.track, channels))
            case PauseRecord(port, recording, paused):
                self._core.send(media.PauseRecord(port, recording, paused))
            case StopRecord(port, recording):
                self._core.send(media.StopRecord(port, recording))

    def ended(self, event: events.RecordEnded) -> None: ...


class FakeAudio:
    """Audio of any source in no time: one piece per sentence for speech, whose PCM is the words; one for a file, whose
    PCM is its name. What is in `missing` is not found; `seconds` is how long each piece takes; `asked` is what was
    asked for."""

    def __init__(self) -> None:
        self.missing: set[str] = set()
        self.seconds = 0.0
        self.asked: list[str] = []

    async def clips(self, account_id: str, source: Source) -> AsyncIterator[Clip]:  # noqa: ARG002
        self.asked += _names(source)
        for name in _names(source):
            await asyncio.sleep(self.seconds)
            if name in self.missing:
                raise NoAudio("file_not_found", f"there is no {name}")
            yield Clip(8000, name.encode())


def _names(source: Source) -> list[str]:
    if isinstance(source, Speech):
        return [part.text for part in source.parts if isinstance(part, Words)]
    if isinstance(source, Stored):
        return [source.media_name]
    return [getattr(source, "url", "inline")]


class FakeShadow:
    """What survives, in memory. While `fail` is set, nothing can be written; `seconds` is how long a write takes;
    `leaves` says which events have a URL to go to, `listener` is told of all."""

    def __init__(self) -> None:
        self.listener: Callable[[Sequence[Event]], None] = lambda _: None
        self.live: dict[str, Save] = {}
        self.records: list[Close] = []
        self.told: list[Event] = []
        self.remembered: dict[tuple[str, str], dict[str, Any]] = {}
        self.queues: dict[str, Card] = {}
        self.conferences: dict[str, ConferenceCard] = {}
        self.recordings: list[RecordingCard] = []
        self.beats: dict[str, int] = {}
        self.fail: Exception | None = None
        self.seconds: Callable[[], float] = lambda: 0.0
        self.leaves: Callable[[Event], bool] = lambda _: False

    async def commit(self, durable: Sequence[Durable]) -> Sequence[Event]:
        await asyncio.sleep(self.seconds())
        if self.fail is not None:
            raise self.fail
        for each in durable:
            match each:
                case Close():
                    self.live.pop(each.ids.call_control_id, None)
                    self.records.append(each)
                case Save():
                    self.live[each.ids.call_control_id] = each
                case Tell():
                    self.told.append(each.event)
                case Remember():
                    self.remembered[each.scope, each.command_id] = each.document
                case KeepQueue():
                    self.queues[each.card.name] = each.card
                case KeepConference():
                    self.conferences[each.card.id] = each.card
                case DropQueue():
                    self.queues.pop(each.card.name, None)
                case KeepRecording():
                    self.recordings.append(each.card)
        told = [each.event for each in durable if isinstance(each, Tell)]
        self.listener(told)
        return [event for event in told if self.leaves(event)]

    async def heartbeat(self, legs: Sequence[str]) -> None:
        if self.fail is not None:
            raise self.fail
        for leg in legs:
            self.beats[leg] = self.beats.get(leg, 0) + 1


class SeededChance:
    """Chance that repeats itself: the same seed gives the same ids."""

    def __init__(self, seed: int = 0) -> None:
        self._random = random.Random(seed)

    def uuid(self) -> str:
        return str(uuid.UUID(int=self._random.getrandbits(128), version=4))

    def token(self, length: int) -> str:
        return "".join(self._random.choices("abcdefghijklmnopqrstuvwxyz0123456789", k=length))

    def number(self, digits: int) -> str:
        return str(self._random.randrange(10 ** (digits - 1), 10**digits))


class OpenDialplan:
    """A dialplan without settings: every username reaches every other. What connections in `parking` dial is parked,
    with their `callbacks`."""

    def __init__(self, bindings: Bindings) -> None:
        self._bindings = bindings
        self.simultaneous = 1
        self.ringback: Ringback = "on_ringing"
        self.ring_seconds = 90
        self.parking: set[str] = set()
        self.callbacks: Callbacks | None = None

    def permit(self, call: Dialled) -> Permitted | Refuse:  # noqa: ARG002
        return Permitted(None)

    def caller_terms(self, call: Dialled) -> Terms:  # noqa: ARG002
        return NONE

    def decide(self, call: Dialled) -> Decision:
        if call.connection_id in self.parking:
            return Park("this connection parks its calls", callbacks=self.callbacks)
        username = call.destination.removeprefix("sip:").partition("@")[0]
        found = self._bindings.of_username(username)[: self.simultaneous]
        if not found:
            why = ending("USER_NOT_REGISTERED", "nobody is registered under this name")
            return Refuse(why, why.detail)
        return Ring(
            account_id=found[0].account_id,
            connection_id=found[0].connection_id,
            username=username,
            bindings=found,
            reason="everybody may",
            number=None,
            caller_number=call.caller_number,
            ringback=self.ringback,
            unheard_seconds=5,
            ring_seconds=self.ring_seconds,
        )


class FakeReply:
    """Remembers how it was settled, tells `watch`, and insists on being settled only once."""

    def __init__(self) -> None:
        self.outcome: tuple[str, object, object] | None = None
        self.watch: Callable[[], object] = lambda: None

    def done(self, sdp: str | None = None, held: bool | None = None) -> None:
        self._settle("done", sdp, held)

    def refuse(self, code: int, message: str) -> None:
        self._settle("refused", code, message)

    def _settle(self, how: str, first: object, second: object) -> None:
        if self.outcome is not None:
            raise AssertionError(f"settled twice: {self.outcome}, then {how}")
        self.outcome = (how, first, second)
        self.watch()


class FakeBackend:
    """A customer's program that commands legs through the switchboard; `answers` are the outcomes, in order."""

    def __init__(
        self, switchboard: Switchboard, connection_id: str = "1000000000000000001", account_id: str = "account"
    ) -> None:
        self._switchboard = switchboard
        self._connection_id = connection_id
        self._account_id = account_id
        self.answers: list[dict[str, Any] | str] = []

    def order(self, leg: str, name: str, **body: Any) -> None:
        """Command a leg, by its call_control_id."""
        rule = CALL_COMMANDS[name]
        try:
            command = read(rule.command, body)
        except Rejected as why:
            self.reject(why)
            return
        if not self._switchboard.dispatch.order(leg, rule, command, self):
            self.answers.append("90015")

    def dial(self, to: str | list[str], **body: Any) -> None:
        """Make a call."""
        given = {"to": to, "from": "+12025550100", "connection_id": self._connection_id} | body
        label = str(to).removeprefix("sip:").partition("@")[0]
        party = Party(label, self._account_id, self._connection_id, "")
        try:
            command = cast(Dial, read(DIAL.command, given))
        except Rejected as why:
            self.reject(why)
            return
        self._switchboard.dispatch.originate(DIAL, command, party, self)

    def create_queue(self, name: str, **body: Any) -> None:
        """Make a queue."""
        command = read(CREATE_QUEUE.command, {"queue_name": name} | body)
        self._switchboard.dispatch.create_queue("account", CREATE_QUEUE, command, self)

    def direct(self, queue: str, name: str, leg: str = "", **body: Any) -> None:
        """Command a queue, or the turn of a call in it."""
        rule = QUEUE_COMMANDS[name]
        if not self._switchboard.dispatch.direct("account", queue, rule, read(rule.command, body), self, leg):
            self.answers.append("10005")

    def confer(self, leg: str, name: str, **body: Any) -> None:
        """Make a conference with a leg."""
        self._enter(leg, CREATE_CONFERENCE, body | {"call_control_id": leg, "name": name})

    def join(self, leg: str, conference: str, **body: Any) -> None:
        """Let a leg enter a conference, by its id."""
        self._enter(leg, JOIN_CONFERENCE, body | {"call_control_id": leg}, conference)

    def convene(self, conference: str, name: str, participant: str = "", **body: Any) -> None:
        """Command a conference, or one of its participants, by their ids."""
        rule = UPDATE_PARTICIPANT if participant else CONFERENCE_COMMANDS[name]
        try:
            command = read(rule.command, body)
        except Rejected as why:
            self.reject(why)
            return
        if not self._switchboard.dispatch.direct_conference("account", conference, rule, command, self, participant):
            self.answers.append("90058")

    def _enter(self, leg: str, rule: CommandRule, body: dict[str, Any], conference: str = "") -> None:
        try:
            command = read(rule.command, body)
        except Rejected as why:
            self.reject(why)
            return
        if not self._switchboard.dispatch.order(leg, rule, command, self, conference):
            self.answers.append("90015")

    def accept(self, document: dict[str, Any]) -> None:
        self.answers.append(document)

    def reject(self, why: Rejected) -> None:
        self.answers.append(why.problems[0].code)


class FakePhone:
    """A far end with buttons, one call at a time; `saw` is what it was told, in order, and `watch` hears of it.

    `reflex` is what it does by itself when it is rung: "ring", "answer" (which rings first) or "nothing".
    """

    def __init__(self, exchange: Exchange, username: str, reflex: Reflex = "ring") -> None:
        self._exchange = exchange
        self._calls = 0
        self.reflex: Reflex = reflex
        self.username = username
        self.dialog = ""
        self.saw: list[str] = []
        self.watch: Callable[[str], object] = lambda _: None
        self.endings: list[Ending] = []
        self.ids: LegIds | None = None
        self.sdp = ""
        self.headers: Headers = ()
        self.invitation: Invitation | None = None
        who = Identity("account", f"connection of {username}", username)
        self.binding = exchange.register(who, Contact("127.0.0.1", 5000, "WS"), self)

    # ---- what it is told (ports.Signalling) --------------------------------------------------------------------

    def invite(self, dialog: str, invitation: Invitation) -> None:
        self.dialog, self.invitation, self.sdp = dialog, invitation, invitation.sdp
        self._told(dialog, "invite", invitation.ids)
        if self.reflex != "nothing":
            self.ring()
        if self.reflex == "answer":
            self.answer_call()

    def ringing(self, dialog: str, ids: LegIds) -> None:
        self._told(dialog, "ringing", ids)

    def progress(self, dialog: str, sdp: str, ids: LegIds) -> None:
        self.sdp = sdp
        self._told(dialog, "progress", ids)

    def answer(self, dialog: str, sdp: str | None, ids: LegIds, headers: Headers = ()) -> None:
        self.headers = headers
        self.sdp = sdp or self.sdp
        self._told(dialog, "answer" if sdp is None else "answer with sdp", ids)

    def bye(self, dialog: str, ending: Ending) -> None:
        self.endings.append(ending)
        self._told(dialog, f"bye {ending.code} {ending.cause}", self.ids)

    def refer(self, dialog: str, referral: Referral) -> None:
        self._told(dialog, f"refer {referral.target}", None)

    def inform(self, dialog: str, content_type: str, body: str) -> None:
        self._told(dialog, f"info {content_type} {body}", None)

    def close(self, reason: str) -> None:
        self._told(self.dialog, f"close {reason}", self.ids)
        self.vanish()

    def _told(self, dialog: str, what: str, ids: LegIds | None) -> None:
        """Note what it was told; one for another dialog than its latest is marked with it."""
        self.ids = ids
        seen = what if dialog == self.dialog else f"{what} for {dialog}"
        self.saw.append(seen)
        self.watch(seen)

    # ---- its buttons -----------------------------------------------------------------------------------------

    def dial(self, destination: str, sdp: str = "offer", headers: Headers = ()) -> FakeReply:
        self._calls += 1
        self.dialog = f"{self.username}-{self._calls}"
        reply = FakeReply()
        invite = Invite(self.dialog, sdp, destination, "+15550100001", self.username.title(), headers)
        self._exchange.invited(self.binding, invite, reply)
        return reply

    def ring(self) -> None:
        self._exchange.rang(self.binding, self.dialog)

    def answer_call(self, sdp: str = "answer") -> FakeReply:
        reply = FakeReply()
        self._exchange.answered(self.binding, self.dialog, sdp, (), False, reply)
        return reply

    def hang_up(self, cause: str = "NORMAL_CLEARING") -> FakeReply:
        reply = FakeReply()
        self._exchange.hung_up(self.binding, self.dialog, ending(cause), reply)
        return reply

    def press(self, digits: str) -> FakeReply:
        reply = FakeReply()
        self._exchange.pressed(self.binding, self.dialog, digits, reply)
        return reply

    def hold(self, action: HoldAction = "hold") -> FakeReply:
        reply = FakeReply()
        self._exchange.asked_hold(self.binding, self.dialog, action, reply)
        return reply

    def renegotiate(self, sdp: str = "new offer") -> FakeReply:
        reply = FakeReply()
        self._exchange.renegotiated(self.binding, self.dialog, sdp, reply)
        return reply

    def vanish(self) -> None:
        """Its socket is gone."""
        self._exchange.unregister(self.binding)
