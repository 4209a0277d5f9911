"""An owner of legs (a session, queue or conference), and the rules of what far ends and media do. No I/O, no chance.

Feed it inputs in the order in which they happened and perform the effects in the order in which they come.
When it has performed a media request or a `Route`, the shell feeds the outcome back before any other input.
`wakes_at` says when it wants a `Tick`.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import msgspec

from offhook.voice import (
    conferencing,
    detection,
    entering,
    gathering,
    meeting,
    ordering,
    owning,
    passage,
    player,
    queueing,
    recorder,
    ringing,
    streaming,
    talking,
    taping,
    transcribing,
)
from offhook.voice.cause import CAUSES, Ending, ending
from offhook.voice.conference import Conference
from offhook.voice.effect import (
    AcceptAnswer,
    AcceptEarly,
    AddCandidate,
    AnswerPort,
    AnswerReoffer,
    Declined,
    Done,
    Effect,
    OfferPort,
    SendDigits,
)
from offhook.voice.event import (
    CallHeld,
    CallInitiated,
    CallReferCompleted,
    CallReferFailed,
    CallReferStarted,
    CallUnheld,
    DtmfReceived,
    Source,
)
from offhook.voice.floor import Floor
from offhook.voice.house_rules import HouseRules
from offhook.voice.leg import ANSWERED, LIVE, RUNG, Dialog, DialogId, Leg, Moment, Party, Stage
from offhook.voice.place import Kind, Place, Seat
from offhook.voice.queue import Queue
from offhook.voice.signal import (
    Answered,
    Arrived,
    AskedHold,
    AudioFailed,
    AudioReady,
    Broken,
    Completed,
    Dialled,
    DialogSignal,
    DigitHeard,
    Directed,
    EndedAway,
    HangUp,
    HungUp,
    Input,
    Lost,
    Loudest,
    NotArrived,
    Ordered,
    Originated,
    Park,
    Played,
    PortDescribed,
    PortDown,
    PortRefused,
    PortSignal,
    PortUp,
    Pressed,
    Progressed,
    Rang,
    RecordingOver,
    Referred,
    Refuse,
    Renegotiated,
    Ring,
    Routed,
    Sounded,
    StreamEnded,
    StreamFailed,
    StreamSignal,
    StreamUp,
    Tick,
    Transcribed,
    Trickled,
    TurnedAway,
    Wanted,
)

STANDARD = HouseRules()
# Of SIP's codes: that somebody who was referred tries, and the first that says that a call did not come about.
ACCEPTED, REFUSAL = 202, 300
MAX_DIGITS = 100
_DIGITS = frozenset("0123456789ABCD*#wW")
_PAUSES = frozenset("wW")

# JSON-RPC codes of refusals; never -32000, which makes the browser SDK log in again.
NO_CALL = -32002
BAD_PARAMS = -32602


class Rule(NamedTuple):
    """Who decides about a signal of a dialog or port, and in which stages of its leg it is lawful."""

    stages: frozenset[Stage]
    decide: Callable[["Session", Leg, Dialog, Any, Moment], None]


class Session:
    """The owner of the legs that share a `call_session_id`, and of those that were bridged to them; or of the
    legs in the queue or conference `owned`, whichever sessions they are of. `decide` is its only way in. `rules` are
    those of the house."""

    __slots__ = ("floor", "id")

    def __init__(self, id: str, owned: Queue | Conference | None = None, rules: HouseRules = STANDARD) -> None:
        self.id = id
        self.floor = Floor(rules)
        self.floor.owned = owned

    def decide(self, given: Input, now: Moment) -> list[Effect]:
        """What follows from an input. One that does not fit any more changes nothing; the reply that it asks
        for is given all the same."""
        owning.begin(self.floor, given)
        if isinstance(given, DialogSignal):
            self._apply(given, self.floor.find(given.dialog), now)
        elif isinstance(given, PortSignal) and self._is_circle(given.port):
            self._circle_told(given, now)
        elif isinstance(given, PortSignal):
            self._apply(given, self.floor.find_port(given.port), now)
        else:
            _OTHERS[type(given)](self, given, now)
        passage.send_home(self.floor, now)
        self.floor.mix()
        streaming.aim(self.floor)
        return self.floor.drain()

    def stored(self) -> None:
        """To be called when what a decision changed is safe: a later `Broken` does not undo it."""
        owning.stored(self.floor)

    @property
    def over(self) -> bool:
        """No live leg is left nor on its way here, and nothing else keeps it: the owner can be dropped."""
        owned = self.floor.owned
        return not self.floor.legs and not self.floor.wanted and (owned is None or owned.over)

    @property
    def wakes_at(self) -> float | None:
        """The monotonic time at which the next `Tick` is wanted."""
        times = [at for leg in self.floor.legs.values() if (at := leg.wakes_at) is not None]
        if self.floor.owned is not None and self.floor.owned.wakes_at is not None:
            times.append(self.floor.owned.wakes_at)
        return min(times, default=None)

    def _apply(self, given: DialogSignal | PortSignal, found: tuple[Leg, Dialog] | None, now: Moment) -> None:
        rule = RULES[type(given)]
        if found is None or found[0].stage not in rule.stages:
            _turn_away(self, given, found)
        else:
            rule.decide(self, *found, given, now)

    def _is_circle(self, port: int) -> bool:
        return self.floor.conference is not None and self.floor.conference.port == port

    def _circle_told(self, given: PortSignal, now: Moment) -> None:
        conference = self.floor.conference
        assert conference is not None  # it has a circle
        match given:
            case RecordingOver():
                taping.over(self.floor, conference, given, now)
            case Loudest():
                talking.reported(self.floor, conference, given, now)
            case _:
                pass  # what was played to its recordings is over

    # ---- set-up ----------------------------------------------------------------------------------------------

    def dialled(self, signal: Dialled, now: Moment) -> None:
        plan = signal.plan
        caller = Leg(signal.ids, "incoming", signal.party, signal.destination, now.wall)
        caller.client_state, caller.headers, caller.caller_id = signal.client_state, signal.headers, signal.caller_id
        if isinstance(plan, Park):
            caller.hooks, caller.direction = plan.hooks, plan.direction
        elif signal.party.network == "pstn":
            caller.direction = "incoming"  # somebody outside calls the connection; none of its clients has dialled
        self.floor.admit(caller, Place(_KIND_FOR[type(plan)], caller.id), Seat("party"))
        dialog = Dialog(signal.dialog, signal.port, signal.party.label, "told")
        dialog.speaks, dialog.profile = signal.speaks, signal.profile
        self.floor.connect(caller, dialog)
        if isinstance(plan, Refuse):
            self.floor.tell(CallInitiated, caller, now, "bridging")
            self.floor.emit(Done(signal.reply))
            self.floor.end(caller, plan.ending, now)
            return
        ringing.announce(self.floor, caller, now, "parked" if isinstance(plan, Park) else "bridging")
        if isinstance(plan, Ring):
            self._seat_callee(caller, plan, now)
        else:
            caller.patience, caller.expires_at = plan.seconds, now.mono + plan.seconds
        offers = AnswerPort(signal.port, signal.sdp, signal.trickle) if signal.sdp else None
        self.floor.emit(Done(signal.reply), offers or OfferPort(signal.port, signal.profile))

    def _seat_callee(self, caller: Leg, plan: Ring, now: Moment) -> None:
        callee = Leg(plan.ids, "outgoing", plan.party, caller.destination, now.wall)
        callee.headers, callee.caller = caller.headers, _shown_as(caller.party, plan)
        callee.caller_id = caller.caller_id
        if plan.onward is not None:
            callee.destination, callee.headers = plan.onward.destination, (*caller.headers, *plan.onward.headers)
        if plan.party.network == "pstn":
            callee.direction = "outgoing"  # the caller's connection dials out; nobody is called on it
        caller.ringback = plan.ringback
        self.floor.admit(callee, self.floor.place_of(caller.id), Seat("ringing"))
        ringing.ring(self.floor, callee, plan, now)
        ringing.announce(self.floor, callee, now, "bridging")

    def routed(self, signal: Routed, now: Moment) -> None:
        """A leg that a command made knows who rings for it, or that nobody does."""
        leg = self.floor.legs[signal.leg]
        if isinstance(signal.plan, Refuse):
            meeting.end(self.floor, leg, signal.plan.ending, now)
            return
        leg.party, leg.caller = signal.plan.party, _shown_as(leg.caller, signal.plan)
        onward = signal.plan.onward
        if onward is not None and onward.destination != leg.destination:  # it learns only now that it is sent on
            leg.headers = (*leg.headers, *onward.headers)
        ringing.ring(self.floor, leg, signal.plan, now)
        ringing.offer(self.floor, leg)

    def described(self, signal: PortDescribed, now: Moment) -> None:
        request = signal.request
        found = self.floor.find_port(request.port)
        if found is None:
            # The leg ended while its request was on the way; a reply may still be owed.
            _decline(self, request, NO_CALL, "the call is over")
            return
        leg, dialog = found
        dialog.codec = signal.codec or dialog.codec
        match request:
            case AnswerPort():
                self._caller_described(leg, dialog, signal.sdp)
            case OfferPort() if leg.side == "incoming":
                self._caller_described(leg, dialog, signal.sdp)
            case OfferPort():
                ringing.invite(self.floor, leg, dialog, signal.sdp)
            case AcceptEarly():
                dialog.early = request.answer
                ringing.early(self.floor, leg, now)
            case AcceptAnswer() if leg.side == "incoming":
                self.floor.emit(AddCandidate(dialog.port, None))
            case AcceptAnswer():
                self._take(leg, dialog, request, now)
            case AnswerReoffer():
                self.floor.emit(Done(request.reply, signal.sdp))

    def _caller_described(self, caller: Leg, dialog: Dialog, sdp: str) -> None:
        dialog.sdp = sdp
        if caller.ringback == "instant":
            ringing.progress(self.floor, caller)
        for callee in self.floor.others(caller):
            ringing.offer(self.floor, callee)

    def rang(self, leg: Leg, _dialog: Dialog, _signal: Rang, now: Moment) -> None:
        ringing.rang(self.floor, leg, now)

    def progressed(self, leg: Leg, dialog: Dialog, signal: Progressed, now: Moment) -> None:
        if dialog.early:
            ringing.rang(self.floor, leg, now)  # the first description holds until the answer
        else:
            self.floor.emit(AcceptEarly(dialog.port, signal.sdp))

    def answered(self, leg: Leg, dialog: Dialog, signal: Answered, now: Moment) -> None:
        instead = "of early media" if dialog.early else "of nothing"
        request = AcceptAnswer(dialog.port, signal.sdp, signal.reply, signal.trickle, instead)
        if dialog.early and signal.sdp == dialog.early:
            self._take(leg, dialog, request, now)
        else:
            self.floor.emit(request)

    def completed(self, _leg: Leg, dialog: Dialog, signal: Completed, _now: Moment) -> None:
        self.floor.emit(AcceptAnswer(dialog.port, signal.sdp))

    def _take(self, callee: Leg, dialog: Dialog, request: AcceptAnswer, now: Moment) -> None:
        if callee.stage not in RUNG:
            _decline(self, request, NO_CALL, "the call was answered elsewhere")
            return
        if request.reply is not None:  # a far end that was rung is owed one
            self.floor.emit(Done(request.reply))
        if not request.trickle:
            self.floor.emit(AddCandidate(dialog.port, None))
        ringing.taken(self.floor, callee, dialog, now)

    # ---- in the call -----------------------------------------------------------------------------------------

    def pressed(self, leg: Leg, _dialog: Dialog, signal: Pressed, now: Moment) -> None:
        digits = signal.digits.translate(_UPPER)
        if not 0 < len(digits) <= MAX_DIGITS or not _DIGITS.issuperset(digits):
            self.floor.emit(Declined(signal.reply, BAD_PARAMS, "digits are 0-9 A-D * # and the pauses w W"))
            return
        self.floor.emit(Done(signal.reply))
        self._pass_digits(leg, digits, now)

    def digit_heard(self, leg: Leg, _dialog: Dialog, signal: DigitHeard, now: Moment) -> None:
        self._pass_digits(leg, signal.digit, now)

    def _pass_digits(self, leg: Leg, digits: str, now: Moment) -> None:
        for digit in digits:
            if digit not in _PAUSES:
                self.floor.tell(DtmfReceived, leg, now, digit)
                gathering.pressed(self.floor, leg, digit, now)
                streaming.pressed(self.floor, leg, digit)
        place = self.floor.place_of(leg.id)
        # Digits in a conference are for whoever asked for them: nobody else wants to hear a PIN.
        for other in self.floor.others(leg) if place.kind == "bridge" else ():
            if other.tones == "passed" and place.hears(other.id, leg.id):
                self.floor.emit(SendDigits(other.dialog.port, digits))

    def asked_hold(self, leg: Leg, _dialog: Dialog, signal: AskedHold, now: Moment) -> None:
        before = leg.hold
        leg.turn(signal.action)
        self.floor.place_of(leg.id).change(leg.id, hold=leg.hold)
        if leg.hold != before:
            self.floor.tell(CallHeld if leg.hold == "held" else CallUnheld, leg, now)
        self.floor.emit(Done(signal.reply, held=leg.hold == "held"))

    def renegotiated(self, _leg: Leg, dialog: Dialog, signal: Renegotiated, _now: Moment) -> None:
        self.floor.emit(AnswerReoffer(dialog.port, signal.sdp, signal.reply))

    def trickled(self, _leg: Leg, dialog: Dialog, signal: Trickled, _now: Moment) -> None:
        self.floor.emit(AddCandidate(dialog.port, signal.candidate))

    def port_up(self, leg: Leg, dialog: Dialog, _signal: PortUp, now: Moment) -> None:
        """The wait is over: the mixer was told beforehand what this port hears, but plays begin only now."""
        dialog.media, leg.media_by = "connected", None
        if player.NAME in leg.doings:
            player.of(leg).go_on(self.floor, leg, now)
        detection.media_up(self.floor, leg, now)

    def sounded(self, leg: Leg, _dialog: Dialog, signal: Sounded, now: Moment) -> None:
        detection.heard(self.floor, leg, signal.at_ms, signal.level, signal.tone_hz, now)

    def played(self, leg: Leg, _dialog: Dialog, signal: Played, now: Moment) -> None:
        player.of(leg).played(self.floor, leg, signal.play, now)

    def stream_happened(self, signal: StreamSignal, now: Moment) -> None:
        leg = self.floor.legs.get(signal.leg)
        if leg is not None:
            streaming.of(leg).happened(self.floor, leg, signal, now)

    def transcribed(self, signal: Transcribed, now: Moment) -> None:
        leg = self.floor.legs.get(signal.leg)
        if leg is not None:
            transcribing.heard(self.floor, leg, signal, now)

    def recording_over(self, leg: Leg, _dialog: Dialog, signal: RecordingOver, now: Moment) -> None:
        recorder.over(self.floor, recorder.of_leg(self.floor, leg), signal.recording, now)

    def audio_ready(self, signal: AudioReady, now: Moment) -> None:
        leg = self.floor.legs.get(signal.leg)
        if leg is not None:
            player.of(leg).ready(self.floor, leg, signal, now)

    def audio_failed(self, signal: AudioFailed, now: Moment) -> None:
        leg = self.floor.legs.get(signal.leg)
        if leg is not None:
            player.of(leg).failed(self.floor, leg, signal, now)

    def referred(self, leg: Leg, _dialog: Dialog, signal: Referred, now: Moment) -> None:
        if signal.status == ACCEPTED:
            self.floor.tell(CallReferStarted, leg, now, signal.status)
        elif signal.status < REFUSAL:
            self.floor.tell(CallReferCompleted, leg, now, signal.status)
        else:
            self.floor.tell(CallReferFailed, leg, now, signal.status)

    def partners_of(self, dialog: DialogId) -> list[Leg]:
        """The legs that a far end's leg is bridged with; none while it is not."""
        found = self.floor.find(dialog)
        return [] if found is None else meeting.partners(self.floor, found[0])

    # ---- the end ---------------------------------------------------------------------------------------------

    def hung_up(self, leg: Leg, dialog: Dialog, signal: HungUp, now: Moment) -> None:
        if signal.reply is not None:
            self.floor.emit(Done(signal.reply))
        self._drop(leg, dialog, _meant(leg, signal.ending), now, _source(leg))

    def lost(self, signal: Lost, now: Moment) -> None:
        for id in [id for id in self.floor.dialogs if id.binding == signal.binding]:
            found = self.floor.find(id)
            if found is not None:
                self._drop(*found, _LOST[found[0].stage], now, _source(found[0]))

    def _drop(self, leg: Leg, dialog: Dialog, why: Ending, now: Moment, source: Source = "unknown") -> None:
        """A dialog is over, and its far end knows. Its leg ends with it unless others still ring for the leg."""
        if len(leg.dialogs) > 1:
            self.floor.disconnect(leg, dialog)
            return
        meeting.end(self.floor, leg, why, now, source, dialog)

    def port_refused(self, signal: PortRefused, now: Moment) -> None:
        request = signal.request
        _decline(self, request, BAD_PARAMS, f"{signal.detail}: {signal.line}" if signal.line else signal.detail)
        found = self.floor.find_port(request.port)
        if found is not None and isinstance(request, AcceptEarly):
            ringing.rang(self.floor, found[0], now)  # what cannot be heard rings all the same
        # A new offer that cannot be had leaves the media as they were.
        elif found is not None and not isinstance(request, AnswerReoffer):
            cause = "NORMAL_CIRCUIT_CONGESTION" if isinstance(request, OfferPort) else "INCOMPATIBLE_DESTINATION"
            self._fail(*found, ending(cause, signal.detail), now)

    def port_down(self, leg: Leg, dialog: Dialog, signal: PortDown, now: Moment) -> None:
        if signal.fate == "quiet" and (leg.hold == "held" or leg.stage in RUNG):
            # Who is on hold or rings need not send anything; what is silent after that will be told again.
            return
        self._fail(leg, dialog, ending("MEDIA_TIMEOUT", signal.reason), now)

    def _fail(self, leg: Leg, dialog: Dialog, why: Ending, now: Moment) -> None:
        """The media of a dialog failed, so its far end must be told."""
        self.floor.say_bye(dialog, why)
        self._drop(leg, dialog, why, now)

    def tick(self, _signal: Tick, now: Moment) -> None:
        conferencing.expire(self.floor, now)
        taping.tick(self.floor, now)
        for leg in queueing.lose_turns(self.floor, now):
            meeting.leave(self.floor, leg, now, "timeout")
        for leg in list(self.floor.legs.values()):
            if leg.id not in self.floor.legs:
                continue  # it has ended with a leg that was overdue before
            why = _overdue(leg, now.mono)
            if why is not None:
                meeting.end(self.floor, leg, why, now)
            else:
                self._let_go_on(leg, now)

    def _let_go_on(self, leg: Leg, now: Moment) -> None:
        for doing in tuple(leg.doings.values()):
            if leg.stage != "ended" and doing.wakes_at is not None and doing.wakes_at <= now.mono:
                doing.tick(self.floor, leg, now)

    def hang_up(self, command: HangUp, now: Moment) -> None:
        if command.leg is None:
            owning.close(self.floor)
            self._end_all(command.ending, now)
        elif command.leg in self.floor.legs:
            meeting.end(self.floor, self.floor.legs[command.leg], command.ending, now)

    def turned_away(self, signal: TurnedAway, _now: Moment) -> None:
        entering.refuse(self.floor, signal.order, signal.why)

    def broken(self, signal: Broken, now: Moment) -> None:
        self._end_all(ending("NORMAL_TEMPORARY_FAILURE", signal.detail), now)

    def _end_all(self, why: Ending, now: Moment) -> None:
        for leg in list(self.floor.legs.values()):
            # Whoever shared its bridge has ended with a leg before it.
            if leg.id in self.floor.legs:
                meeting.end(self.floor, leg, why, now)


_KIND_FOR: dict[type[Ring | Park | Refuse], Kind] = {Ring: "bridge", Park: "parked", Refuse: "parked"}
_UPPER = str.maketrans("abcd", "ABCD")

# What it means when a far end's connection is gone, by the stage of its leg.
_LOST: dict[Stage, Ending] = {
    "trying": ending("ORIGINATOR_CANCEL", "the caller's connection was lost"),
    "early": ending("ORIGINATOR_CANCEL", "the caller's connection was lost"),
    "offered": ending("USER_NOT_REGISTERED", "the called client's connection was lost"),
    "ringing": ending("USER_NOT_REGISTERED", "the called client's connection was lost"),
    "answered": ending("NORMAL_TEMPORARY_FAILURE", "a client's connection was lost"),
}

# What it means when a leg's time is up. A leg that dials has one while it is parked.
_EXPIRED: dict[Stage, Ending] = {
    "trying": ending("RECOVERY_ON_TIMER_EXPIRE", "no command came for the parked call"),
    "early": ending("RECOVERY_ON_TIMER_EXPIRE", "no command came for the parked call"),
    "offered": ending("NO_USER_RESPONSE", "the called client did not ring"),
    "ringing": ending("NO_ANSWER"),
    "answered": ending("ALLOTTED_TIMEOUT", "a call lasts four hours at most"),
}

_NO_MEDIA = ending("MEDIA_TIMEOUT", f"no media path came up within {ringing.MEDIA_SECONDS:.0f} s of the answer")

RULES: dict[type, Rule] = {
    Rang: Rule(RUNG, Session.rang),
    Progressed: Rule(RUNG, Session.progressed),
    Answered: Rule(RUNG, Session.answered),
    Completed: Rule(LIVE, Session.completed),
    HungUp: Rule(LIVE, Session.hung_up),
    Pressed: Rule(ANSWERED, Session.pressed),
    Referred: Rule(ANSWERED, Session.referred),
    AskedHold: Rule(ANSWERED, Session.asked_hold),
    Renegotiated: Rule(LIVE, Session.renegotiated),
    Trickled: Rule(LIVE, Session.trickled),
    PortUp: Rule(LIVE, Session.port_up),
    PortDown: Rule(LIVE, Session.port_down),
    DigitHeard: Rule(ANSWERED, Session.digit_heard),
    Played: Rule(ANSWERED, Session.played),
    Sounded: Rule(ANSWERED, Session.sounded),
    RecordingOver: Rule(ANSWERED, Session.recording_over),
}

_OTHERS: dict[type, Callable[[Session, Any, Moment], None]] = {
    Dialled: Session.dialled,
    PortDescribed: Session.described,
    PortRefused: Session.port_refused,
    Lost: Session.lost,
    Tick: Session.tick,
    Broken: Session.broken,
    HangUp: Session.hang_up,
    TurnedAway: Session.turned_away,
    Routed: Session.routed,
    AudioReady: Session.audio_ready,
    AudioFailed: Session.audio_failed,
    StreamUp: Session.stream_happened,
    StreamEnded: Session.stream_happened,
    StreamFailed: Session.stream_happened,
    Transcribed: Session.transcribed,
    Ordered: lambda session, given, now: ordering.ordered(session.floor, given, now),
    Directed: lambda session, given, now: ordering.directed(session.floor, given, now),
    Originated: lambda session, given, now: ordering.originated(session.floor, given, now),
    Wanted: lambda session, given, now: passage.wanted(session.floor, given, now),
    Arrived: lambda session, given, now: passage.arrived(session.floor, given, now),
    EndedAway: lambda session, given, now: meeting.cancel_rung(session.floor, given.leg, now),
    NotArrived: lambda session, given, now: passage.not_arrived(session.floor, given, now),
}


def _shown_as(caller: Party, plan: Ring) -> Party:
    """A caller as those who ring are shown it."""
    return msgspec.structs.replace(caller, number=plan.caller_number) if plan.caller_number else caller


def _meant(leg: Leg, said: Ending) -> Ending:
    """What a far end's hang-up means. The browser SDK says USER_BUSY for every call it ends unanswered."""
    if leg.stage in ("trying", "early"):
        name = "ORIGINATOR_CANCEL"
    elif leg.stage in RUNG:
        name = "CALL_REJECTED" if said.cause == "NORMAL_CLEARING" else said.cause
    else:
        name = said.cause
    cause = CAUSES.get(name, CAUSES["NORMAL_CLEARING" if leg.stage == "answered" else "CALL_REJECTED"])
    sip, reason = cause.sip, cause.sip_reason
    if name == said.cause and leg.stage in RUNG and (said.sip_code or 0) >= REFUSAL:
        sip, reason = said.sip_code, said.sip_reason  # its very word: 603 and 403 both reject
    return Ending(cause.name, cause.code, sip, reason, said.detail, said.headers)


def _overdue(leg: Leg, mono: float) -> Ending | None:
    """Why a leg must end now, if one of its deadlines has passed."""
    if leg.media_by is not None and leg.media_by <= mono:
        return _NO_MEDIA
    if leg.expires_at is None or leg.expires_at > mono:
        return None
    why = _EXPIRED[leg.stage]
    return msgspec.structs.replace(why, told="no_answer") if _gave_up(leg, mono) else why


def _gave_up(leg: Leg, mono: float) -> bool:
    """Whether nobody has answered a command's leg in its time, of which the customer wants to be told so."""
    return leg.unanswered == "no_answer" and leg.rings_until is not None and leg.rings_until <= mono


def _source(leg: Leg) -> Source:
    return "caller" if leg.side == "incoming" else "callee"


def _turn_away(session: Session, given: Any, found: tuple[Leg, Dialog] | None) -> None:
    """Answer a signal that is not lawful (any more). A hang-up of what is over is simply done."""
    if isinstance(given, HungUp):
        if given.reply is not None:
            session.floor.emit(Done(given.reply))
        return
    _decline(session, given, NO_CALL, "no such call" if found is None else f"not while the call is {found[0].stage}")


def _decline(session: Session, asked: Any, code: int, message: str) -> None:
    reply: int | None = getattr(asked, "reply", None)
    if reply is not None:
        session.floor.emit(Declined(reply, code, message))
