"""Performs a session's effects: replies, signalling, media. Knows neither when to nor why."""

from collections.abc import Callable, Collection
from typing import Any

import msgspec

from offhook.engine import sounds
from offhook.engine.ports import MediaCore, OrderReply, Reply, Signalling
from offhook.media import commands as media
from offhook.media.events import Described, Done, Refused
from offhook.voice import effect
from offhook.voice.resources.problem import rejected
from offhook.voice.signal import Input, PortDescribed, PortRefused

# The play by which a port gets the platform's own sounds; a port has at most one of them at a time.
_MUSIC = 1
# How often conferences tell who is the loudest.
LEVELS_MS = 200
# The play of a beep: no customer's play ever has this number.
_BEEP = 1 << 32


class Performer:
    """Performs for one session. `ice` is our part in every port's ICE; `replies` and `orders` are the replies still
    owed to far ends and to customers, by number; `elsewhere` performs what concerns other owners."""

    __slots__ = ("_core", "_elsewhere", "_ice", "_signalling", "orders", "replies")

    def __init__(
        self,
        core: MediaCore,
        ice: media.Ice,
        signalling: Callable[[str], Signalling | None],
        elsewhere: Callable[[effect.Elsewhere], Input | None],
    ) -> None:
        self._core = core
        self._ice: media.Ice = ice
        self._signalling = signalling
        self._elsewhere = elsewhere
        self.replies: dict[int, Reply] = {}
        self.orders: dict[int, OrderReply] = {}

    def perform(self, it: effect.Effect) -> Input | None:
        """Perform one effect; the outcome of a media request is to be fed back to the session."""
        return PERFORM[type(it)](self, it)

    def settle(self, code: int, message: str, spared: Collection[int | None] = ()) -> None:
        """Refuse every reply that is still owed but for those `spared`, which will be given yet."""
        for number in [each for each in self.replies if each not in spared]:
            self.replies.pop(number).refuse(code, message)
        for number in [each for each in self.orders if each not in spared]:
            self.orders.pop(number).reject(rejected("10007", f"The command was not carried out: {message}."))

    def nothing(self, _effect: effect.Effect) -> None:
        """Performed elsewhere: durable effects by the transaction, events by the ladder."""

    def done(self, it: effect.Done) -> None:
        self.replies.pop(it.reply).done(it.sdp, it.held)

    def declined(self, it: effect.Declined) -> None:
        self.replies.pop(it.reply).refuse(it.code, it.message)

    def accepted(self, it: effect.Accepted) -> None:
        if it.reply:
            self.orders.pop(it.reply).accept(it.document)

    def rejected(self, it: effect.Rejected) -> None:
        if it.reply:
            self.orders.pop(it.reply).reject(it.why)

    def signal(self, it: effect.SignallingEffect) -> None:
        way = self._signalling(it.dialog.binding)
        if way is None:
            return  # gone in the meantime; its `Lost` is in the mailbox
        name = it.dialog.name
        match it:
            case effect.Invite():
                way.invite(name, it.invitation)
            case effect.Ringing():
                way.ringing(name, it.ids)
            case effect.Progress():
                way.progress(name, it.sdp, it.ids)
            case effect.Answer():
                way.answer(name, it.sdp, it.ids, it.headers)
            case effect.Bye():
                way.bye(name, it.ending)
            case effect.Refer():
                way.refer(name, it.referral)
            case effect.Inform():
                way.inform(name, it.content_type, it.body)

    def request(self, it: effect.MediaRequest) -> Input:
        if isinstance(it, effect.AcceptAnswer) and it.instead == "of early media":
            # The core takes one answer to each offer; this opens the one that it has answered again.
            self._core.ask(media.Reoffer(it.port))
        outcome = self._core.ask(_media_request(it, self._ice))
        if isinstance(outcome, Refused):
            return PortRefused(it, f"{outcome.code}: {outcome.detail}", outcome.line)
        sdp = outcome.sdp if isinstance(outcome, Described) else ""
        return PortDescribed(it, sdp, outcome.codec if isinstance(outcome, Described | Done) else None)

    def order(self, it: effect.MediaCommand) -> None:
        self._core.send(_media_command(it))

    def elsewhere(self, it: effect.Elsewhere) -> Input | None:
        return self._elsewhere(it)


def _media_request(it: effect.MediaRequest, ice: media.Ice) -> media.Request:
    match it:
        case effect.AnswerPort():
            return media.AnswerPort(it.port, it.offer, ice, trickle=it.trickle)
        case effect.OfferPort():
            # Whether the far end trickles is known only with its answer.
            return media.OfferPort(it.port, ice, trickle=True, profile=it.profile)
        case effect.AcceptAnswer() | effect.AcceptEarly():
            return media.AcceptAnswer(it.port, it.answer)
        case effect.AnswerReoffer():
            return media.AnswerReoffer(it.port, it.offer)


def _media_command(it: effect.MediaCommand) -> media.Command:
    match it:
        case effect.AddCandidate(port, candidate):
            return media.EndCandidates(port) if candidate is None else media.AddCandidate(port, candidate)
        case effect.Hear():
            return media.Hear(it.port, list(it.speakers))
        case effect.Convene(port, speakers, apart):
            return media.Convene(port, list(speakers), apart, LEVELS_MS)
        case effect.Sing(port, sound):
            stop = media.StopPlay(port, _MUSIC)
            return stop if sound is None else media.Play(port, _MUSIC, sounds.source(sound), loop=0)
        case effect.Play(port, play, clip, rounds, lane):
            return media.Play(port, play, media.Audio(clip.rate, clip.pcm), rounds, overlay=lane == "over")
        case effect.StopPlay():
            return media.StopPlay(it.port, it.play)
        case effect.Measure():
            return media.Meter(it.port, it.every_ms)
        case effect.SendDigits():
            return media.SendDigits(it.port, it.digits, it.duration_ms)
        case effect.Denoise():
            return media.Denoise(it.port, it.tracks, it.limit_db)
        case effect.Beep(port, sound):
            return media.Play(port, _BEEP, sounds.BEEPS[sound], overlay=True)
        case effect.ClosePort():
            return media.ClosePort(it.port)


PERFORM: dict[type[msgspec.Struct], Callable[[Performer, Any], Input | None]] = {
    effect.Save: Performer.nothing,
    effect.Close: Performer.nothing,
    effect.Tell: Performer.nothing,
    effect.Remember: Performer.nothing,
    effect.KeepQueue: Performer.nothing,
    effect.DropQueue: Performer.nothing,
    effect.KeepConference: Performer.nothing,
    effect.KeepRecording: Performer.nothing,
    effect.Done: Performer.done,
    effect.Declined: Performer.declined,
    effect.Accepted: Performer.accepted,
    effect.Rejected: Performer.rejected,
    **dict.fromkeys(
        (
            effect.Route,
            effect.Want,
            effect.HandOver,
            effect.KeepBack,
            effect.PassOn,
            effect.EndedAway,
            effect.TurnAway,
            effect.Prepare,
            effect.Discard,
            effect.OpenStream,
            effect.AttachStream,
            effect.AimStream,
            effect.StreamDigit,
            effect.CloseStream,
            effect.StartFork,
            effect.StopFork,
            effect.StartTranscription,
            effect.StopTranscription,
            effect.Record,
            effect.PauseRecord,
            effect.StopRecord,
        ),
        Performer.elsewhere,
    ),
    **dict.fromkeys(
        (
            effect.Invite,
            effect.Ringing,
            effect.Progress,
            effect.Answer,
            effect.Bye,
            effect.Refer,
            effect.Inform,
        ),
        Performer.signal,
    ),
    **dict.fromkeys(
        (effect.AnswerPort, effect.OfferPort, effect.AcceptEarly, effect.AcceptAnswer, effect.AnswerReoffer),
        Performer.request,
    ),
    **dict.fromkeys(
        (
            effect.AddCandidate,
            effect.Hear,
            effect.Convene,
            effect.Sing,
            effect.Play,
            effect.StopPlay,
            effect.Measure,
            effect.SendDigits,
            effect.Denoise,
            effect.Beep,
            effect.ClosePort,
        ),
        Performer.order,
    ),
}
