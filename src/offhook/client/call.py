"""One call: its state, its audio, what can be done to it. Knows no websocket: its `Line` carries what it says."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar, overload

from offhook.client import events as told
from offhook.client.audio import Frame, Playable
from offhook.client.dialog import ALL_CODECS, Dialog, Direction, HoldAction, Ids, Party
from offhook.client.emitter import Emitter, Subscription, Tasks
from offhook.client.events import Ending
from offhook.client.media import MediaCore, Port
from offhook.client.requests import Outcome, result
from offhook.client.sinks import Listener, Sink
from offhook.client.sound import Sound
from offhook.client.state import OVER, TALKING, State, Trigger, moved
from offhook.errors import CallEnded, ConfigurationError, InvalidState, MediaError, OffhookError, Refused
from offhook.media import events as media
from offhook.media.commands import Codec
from offhook.wire import rtc_s2c as s2c
from offhook.wire.rtc_cause import CAUSE_CODES
from offhook.wire.rtc_values import CallResult

E = TypeVar("E", bound=told.CallEvent)
T = TypeVar("T")
Signal = s2c.Ringing | s2c.Media | s2c.Answer | s2c.Candidate | s2c.EndOfCandidates | s2c.Bye

BYE_GRACE = 5.0
KEYS = frozenset("0123456789*#ABCDabcdwW")

log = logging.getLogger("offhook.client")


class Call:
    """A call that `Client.new_call` made or that came in. Nothing here raises anything but `OffhookError`s."""

    def __init__(self, dialog: Dialog, core: MediaCore, tasks: Tasks, up: Callable[[told.Event], None]) -> None:
        self.state: State = "new"
        self.ending: Ending | None = None
        self.muted = False
        self._dialog = dialog
        self._tasks = tasks
        self._up = up
        self._port = Port(core, self._media)
        self._sound = Sound(self._port, self._failed)
        self._emitter = Emitter(tasks.spawn, self._failed)
        self._waiters: list[tuple[Callable[[State], bool], asyncio.Future[State]]] = []
        self._connected = False
        self._player: asyncio.Task[None] | None = None
        self._stats: media.PortStats | None = None

    def __repr__(self) -> str:
        return f"<Call {self.id} {self.direction} {self.state}>"

    # ---- who and what ----------------------------------------------------------------------------------------

    @property
    def id(self) -> str:
        """The callID, which both ends of the websocket know the call by."""
        return self._dialog.id

    @property
    def ids(self) -> Ids:
        """The leg's names in webhooks and REST."""
        return self._dialog.ids

    @property
    def direction(self) -> Direction:
        return self._dialog.terms.direction

    @property
    def remote(self) -> Party:
        """Who is on the other side: whom we dialled, or who calls."""
        return self._dialog.remote

    @property
    def local(self) -> Party:
        return self._dialog.local

    @property
    def custom_headers(self) -> Mapping[str, str]:
        """Headers that came in with the call, or that we sent."""
        return self._dialog.custom_headers

    @property
    def client_state(self) -> str | None:
        """Base64, as everywhere in the API."""
        return self._dialog.terms.client_state

    @property
    def cause(self) -> str | None:
        """Why the call ended; None while it lasts. `ending` has the details."""
        return self.ending.cause if self.ending else None

    # ---- what can be done ------------------------------------------------------------------------------------

    async def answer(
        self,
        audio: Playable | None = None,
        custom_headers: Mapping[str, str] | None = None,
        codecs: Sequence[Codec] = ALL_CODECS,
    ) -> None:
        """Take a call that came in; returns when the platform has it. `audio` is played to the caller; `codecs` are
        those that we take, the best first."""
        self._expect("answer", "ringing")
        if custom_headers is not None:
            self._dialog.custom_headers = dict(custom_headers)
        terms = self._dialog.terms
        try:
            sdp = self._port.answer(terms.offer, codecs, terms.trickle)
        except MediaError:
            self._hang_up("INCOMPATIBLE_DESTINATION")
            raise
        self._opened(audio)
        self._move("answering")
        await result(self._dialog.answer(sdp, self._answer_settled))

    async def hangup(self, cause: str | None = None, code: int | None = None) -> None:
        """End the call, whatever its state; returns when the platform has confirmed, at the latest after 5 s.

        `cause` is a name of `offhook.wire.rtc_cause.CAUSE_CODES`, or any other together with its `code`. Without one
        it is the usual for the state: NORMAL_CLEARING, ORIGINATOR_CANCEL for a call nobody has answered yet, USER_BUSY
        for one that rings here. Hanging up a call that is over does nothing.
        """
        if self.state in OVER:
            return
        waiter = self._hang_up(cause or self._usual_cause(), code)
        await asyncio.wait([waiter], timeout=BYE_GRACE)

    async def reject(self, cause: str = "USER_BUSY", code: int | None = None) -> None:
        """Refuse a call that came in: the caller gets that cause."""
        self._expect("reject", "ringing")
        await self.hangup(cause, code)

    async def send_dtmf(self, digits: str) -> None:
        """Press keys: 0-9, *, #, A-D; `w` waits half a second, `W` a whole one."""
        if not digits or set(digits) - KEYS:
            raise ConfigurationError("these are not keys of a telephone")
        self._expect_talking("press keys on")
        await result(self._dialog.press(digits))

    async def hold(self) -> None:
        """The far end hears music, we hear nothing. A call on hold stays so."""
        await self._hold("hold")

    async def unhold(self) -> None:
        await self._hold("unhold")

    async def toggle_hold(self) -> None:
        await self._hold("toggleHold")

    def mute(self) -> None:
        """The far end hears silence until `unmute`; what is being played goes on unheard."""
        self._mute(True)

    def unmute(self) -> None:
        self._mute(False)

    async def restart_ice(self) -> None:
        """Find a new way for the audio (after a change of network, say); the call goes on meanwhile."""
        self._expect_talking("restart ICE of")
        await result(self._dialog.update_media(self._port.reoffer(), self._reoffer_settled))

    def stats(self) -> media.PortStats:
        """Packets, loss, jitter, round trip and MOS, now; after the end, the last there were."""
        if self.state not in OVER:
            self._stats = self._port.stats()
        if self._stats is None:
            raise InvalidState(self.id, "read the counters of", self.state)
        return self._stats

    # ---- waiting and being told ------------------------------------------------------------------------------

    async def wait_for(self, *states: State) -> State:
        """Wait until the call is in one of `states`; CallEnded if it ends before."""
        wanted = frozenset(states)
        state = await self._until(lambda state: state in wanted or state == "destroy")
        if state not in wanted:
            raise self._over()
        return state

    async def answered(self) -> None:
        """Wait until the two sides talk; CallEnded, which says why, if they never will."""
        await self._until(lambda state: state in TALKING or state in OVER)
        if self.state in OVER:
            raise self._over()

    async def ended(self) -> Ending:
        """Wait for the end and learn why."""
        await self._until(lambda state: state == "destroy")
        assert self.ending is not None  # `_finish` sets it before it moves
        return self.ending

    @overload
    def on(self, kind: type[E]) -> Callable[[Callable[[E], T]], Callable[[E], T]]: ...
    @overload
    def on(self, kind: type[E], handler: Callable[[E], T]) -> Callable[[E], T]: ...
    def on(self, kind: type[E], handler: Callable[[E], T] | None = None) -> Any:
        """Call `handler`, plain or async, for this call's events of `kind`; without it, a decorator."""
        return self._emitter.on(kind) if handler is None else self._emitter.on(kind, handler)

    def off(self, kind: type[E], handler: Callable[[E], object] | None = None) -> None:
        """Forget one handler of `kind`, or all of them."""
        self._emitter.off(kind, handler)

    def events(self, kind: type[E] = told.CallEvent) -> Subscription[E]:
        """This call's events from now on, as an async iterator that ends with the call."""
        return self._emitter.events(kind)

    # ---- sound -----------------------------------------------------------------------------------------------

    def audio(self, rate: int | None = None) -> Subscription[Frame]:
        """What the far end says from now on: 20 ms frames at `rate` Hz (48,000 unless somebody listens already)."""
        return self._sound.frames(rate)

    def attach(self, listener: Listener, rate: int | None = None) -> Sink:
        """Give every frame to a sink or a function, until `detach` or the end of the call, which closes it."""
        return self._sound.attach(listener, rate)

    def detach(self, attached: Sink) -> None:
        self._sound.detach(attached)

    async def play(self, playable: Playable) -> None:
        """Play a file, tone, generator or array to its end, after what plays already; cancel it to stop.

        CallEnded where the call was over before the sound was.
        """
        self._expect_live()
        await self._sound.play(playable)
        self._expect_live()

    def write(self, pcm: bytes, rate: int) -> None:
        """Append int16 mono PCM to what the far end hears; returns at once. `flush` waits until it was heard.

        Before the call is answered, up to a minute of it waits for that moment; beyond that it is a MediaError `early`.
        """
        self._expect_live()
        self._port.playout.write(pcm, rate)

    async def flush(self) -> None:
        """Wait until everything written has been sent (or the call is over)."""
        await self._port.playout.until(0)

    def clear(self) -> None:
        """Throw away what is written and not yet sent, as when the caller interrupts."""
        self._port.playout.clear()

    @property
    def position(self) -> int:
        """Milliseconds of written audio that have been sent."""
        return self._port.playout.position

    # ---- for the client only -----------------------------------------------------------------------------------

    async def dial(self, audio: Playable | None) -> None:
        """Send the invite of an outbound call; returns when the platform has taken it."""
        terms = self._dialog.terms
        try:
            sdp = self._port.offer(terms.codecs, terms.trickle)
        except MediaError:
            self._finish("INCOMPATIBLE_DESTINATION")
            raise
        self._opened(audio)
        self._move("invited")
        await result(self._dialog.invite(sdp, self._invite_settled))

    def offered(self, invite: s2c.Invite) -> None:
        """This call came in."""
        self._dialog.learn(invite)
        self._move("offered")

    def receive(self, signal: Signal) -> None:
        """What the far end did. What does not fit the state is ignored."""
        self._dialog.learn(signal)
        match signal:
            case s2c.Ringing():
                if self.state in ("requesting", "trying", "early"):
                    self._emit(told.Ringing(self))
            case s2c.Media():
                self._progressed(signal.sdp)
            case s2c.Answer():
                self._far_end_answered(signal.sdp)
            case s2c.Candidate():
                self._port.candidate(signal.candidate)
            case s2c.EndOfCandidates():
                self._port.end_candidates()
            case s2c.Bye():
                self._far_end_hung_up(signal)

    def abandon(self) -> None:
        """Hang up without waiting for anything: whoever dialled was cancelled, or the client closes."""
        if self.state not in OVER:
            self._hang_up(self._usual_cause())

    def lose(self) -> None:
        """The websocket is gone, and the call with it."""
        self._finish("NETWORK_OUT_OF_ORDER")

    # ---- signals and outcomes ----------------------------------------------------------------------------------

    def _progressed(self, sdp: str) -> None:
        if moved(self.state, "progressed") and self._accept(sdp):
            self._move("progressed")
            self._emit(told.EarlyMedia(self))

    def _far_end_answered(self, sdp: str | None) -> None:
        if self.direction == "inbound" or moved(self.state, "answered") is None:
            return
        # After early media the SDP is known already, and a repeated one is not for us to apply twice.
        if self.state == "early" or self._accept(sdp or ""):
            self._talk()

    def _accept(self, sdp: str) -> bool:
        try:
            self._port.accept(sdp)
        except MediaError as error:
            self._failed(error)
            self._hang_up("INCOMPATIBLE_DESTINATION")
            return False
        return True

    def _talk(self) -> None:
        if self._move("answered"):
            self._emit(told.Answered(self))
            self._flow()

    def _invite_settled(self, outcome: Outcome) -> None:
        if self._refused(outcome):
            return
        self._move("accepted")
        self._dialog.trickle()

    def _answer_settled(self, outcome: Outcome) -> None:
        if self._refused(outcome):
            return
        self._dialog.trickle()
        self._talk()

    def _refused(self, outcome: Outcome) -> bool:
        """Did an invite or answer come to nothing? Then the call is over."""
        if isinstance(outcome, Refused):
            self._finish("CALL_REJECTED")
        elif isinstance(outcome, OffhookError) and self.state not in OVER:
            self._hang_up("RECOVERY_ON_TIMER_EXPIRE")
        return isinstance(outcome, OffhookError)

    def _hold_settled(self, outcome: Outcome) -> None:
        if not isinstance(outcome, CallResult):
            return
        held = outcome.hold_state != "active"
        if self._move("held" if held else "unheld"):
            self._emit(told.Held(self) if held else told.Unheld(self))

    def _reoffer_settled(self, outcome: Outcome) -> None:
        if isinstance(outcome, CallResult) and self.state not in OVER:
            self._accept(outcome.sdp or "")

    def _media(self, event: media.Event) -> None:
        match event:
            case media.PortConnected():
                self._connected = True
                self._emit(told.MediaConnected(self, event.transport))
                self._flow()
            case media.PortFailed():
                self._failed(MediaError(event.reason, event.detail))
                self.abandon()
            case media.MediaStopped():
                self._up(told.WarningRaised("MEDIA_STOPPED", "no audio comes from the far end", self))
            case media.DigitReceived():
                self._emit(told.DigitPressed(self, event.digit, event.duration_ms))
            case media.QualityMeasured():
                self._emit(told.QualityMeasured(self, event.stats))
            case _:
                log.debug("call %s: %s", self.id, type(event).__name__)

    # ---- inside ------------------------------------------------------------------------------------------------

    async def _hold(self, action: HoldAction) -> None:
        self._expect_talking(action)
        if (action, self.state) not in (("hold", "held"), ("unhold", "active")):
            await result(self._dialog.hold(action, self._hold_settled))

    def _mute(self, muted: bool) -> None:
        self._expect_live()
        self.muted = muted
        self._port.mute(muted)

    def _opened(self, audio: Playable | None) -> None:
        """The port is open: listeners can be served, and the call's own sound waits for its moment."""
        self._sound.opened()
        if self.muted:
            self._port.mute(True)
        if audio is not None:
            self._player = self._tasks.spawn(self._sound.play(audio), f"sound of {self.id}")

    def _flow(self) -> None:
        if self._connected and self.state in TALKING:
            self._sound.flows()

    def _usual_cause(self) -> str:
        if self.state in TALKING or self.state == "answering":
            return "NORMAL_CLEARING"
        return "USER_BUSY" if self.direction == "inbound" else "ORIGINATOR_CANCEL"

    def _hang_up(self, cause: str, code: int | None = None) -> asyncio.Future[Outcome]:
        """Say bye and be done with the call; the future is the platform's confirmation."""
        if code is None and cause not in CAUSE_CODES:
            raise ConfigurationError(f"{cause} is no cause we know; give its code as well")
        ending = Ending(cause, CAUSE_CODES[cause] if code is None else code, local=True)
        self._end(ending)
        return self._dialog.bye(ending, BYE_GRACE)

    def _far_end_hung_up(self, bye: s2c.Bye) -> None:
        """What a bye leaves out is what the browser SDK makes of it."""
        cause, code = ("NORMAL_CLEARING", 16) if self.state in TALKING else ("USER_BUSY", 17)
        self._end(
            Ending(
                bye.cause or cause,
                bye.cause_code or CAUSE_CODES.get(bye.cause or cause, code),
                bye.sip_code,
                bye.sip_reason,
            )
        )

    def _finish(self, cause: str) -> None:
        """End the call without a word to the platform, which cannot hear it or never knew."""
        self._end(Ending(cause, CAUSE_CODES[cause], local=True))

    def _end(self, ending: Ending) -> None:
        if self.state in OVER:
            return
        self._stats = self._last_stats()
        self.ending = ending
        self._move("ended")
        self._dialog.forget(self._over())
        if self._player is not None:
            self._player.cancel()
        self._sound.close()
        self._emit(told.Ended(self, ending))
        self._move("cleared")
        self._emitter.close()

    def _last_stats(self) -> media.PortStats | None:
        try:
            return self._port.stats()
        except MediaError:  # it was never opened, or has failed already
            return None

    def _over(self) -> CallEnded:
        ending = self.ending or Ending("NORMAL_CLEARING", 16)
        return CallEnded(self.id, ending.cause, ending.code, ending.sip_code, ending.sip_reason)

    # ---- the state ---------------------------------------------------------------------------------------------

    def _expect(self, action: str, state: State) -> None:
        self._expect_live()
        if self.state != state:
            raise InvalidState(self.id, action, self.state)

    def _expect_talking(self, action: str) -> None:
        self._expect_live()
        if self.state not in TALKING:
            raise InvalidState(self.id, action, self.state)

    def _expect_live(self) -> None:
        if self.state in OVER:
            raise self._over()

    def _move(self, trigger: Trigger) -> bool:
        before, after = self.state, moved(self.state, trigger)
        if after is None:
            log.debug("call %s is %s: %s ignored", self.id, before, trigger)
            return False
        self.state = after
        self._emit(told.StateChanged(self, before, after))
        for entry in tuple(self._waiters):
            wanted, waiter = entry
            if wanted(after) and not waiter.done():
                waiter.set_result(after)
        return True

    async def _until(self, wanted: Callable[[State], bool]) -> State:
        if wanted(self.state):
            return self.state
        waiter: asyncio.Future[State] = asyncio.get_running_loop().create_future()
        entry = (wanted, waiter)
        self._waiters.append(entry)
        try:
            return await waiter
        finally:
            self._waiters.remove(entry)

    def _emit(self, event: told.CallEvent) -> None:
        self._emitter.emit(event)
        self._up(event)

    def _failed(self, error: Exception) -> None:
        self._up(told.ErrorRaised(error, self))
