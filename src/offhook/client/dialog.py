"""The signalling of one call: who calls whom, and how that is said to the platform. No state, no audio."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

from offhook.client.events import Ending
from offhook.client.requests import Outcome, Settled
from offhook.errors import OffhookError
from offhook.media.commands import Codec
from offhook.wire import rtc_c2s as c2s
from offhook.wire import rtc_s2c as s2c
from offhook.wire.rtc_values import Header

Direction = Literal["outbound", "inbound"]
HoldAction = Literal["hold", "unhold", "toggleHold"]
Waiter = asyncio.Future[Outcome]

ALL_CODECS: tuple[Codec, ...] = ("opus", "pcmu", "pcma")


@dataclass(frozen=True, slots=True)
class Party:
    """One side of a call, as far as it is known."""

    number: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class Ids:
    """The platform's names of this leg, as webhooks and REST use them; empty until it has told them."""

    call_control: str = ""
    session: str = ""
    leg: str = ""


@dataclass(frozen=True, slots=True)
class Terms:
    """What a call was made with, or what came in with it. `client_state` is base64, as everywhere in the API;
    `offer` is the far end's SDP for a call that came in."""

    direction: Direction
    caller: Party
    callee: Party
    custom_headers: Mapping[str, str] = field(default_factory=dict[str, str])
    client_state: str | None = None
    codecs: Sequence[Codec] = ALL_CODECS
    trickle: bool = False
    offer: str = ""


class Line(Protocol):
    """The way to the platform."""

    def ask(
        self, request: c2s.Message, seconds: float = 10.0, owner: str | None = None, settled: Settled | None = None
    ) -> Waiter:
        """Send `request` now. Its outcome goes to `settled` at once, then to the future."""
        ...

    def forget(self, owner: str, error: OffhookError) -> None:
        """Settle everything that `owner` still waits for with `error`."""
        ...


class Dialog:
    """Says what a call wants; what comes of it goes to the `settled` that it is given."""

    def __init__(self, call_id: str, terms: Terms, line: Line) -> None:
        self.id = call_id
        self.terms = terms
        self.ids = Ids()
        self.custom_headers = dict(terms.custom_headers)
        self._line = line
        self._candidates: list[str] = []

    @property
    def remote(self) -> Party:
        return self.terms.callee if self.terms.direction == "outbound" else self.terms.caller

    @property
    def local(self) -> Party:
        return self.terms.caller if self.terms.direction == "outbound" else self.terms.callee

    def learn(self, said: s2c.CallParams) -> None:
        """Keep the leg's ids where the platform tells them."""
        self.ids = Ids(
            said.call_control_id or self.ids.call_control,
            said.session_id or self.ids.session,
            said.leg_id or self.ids.leg,
        )

    def invite(self, sdp: str, settled: Settled) -> Waiter:
        sdp = self._held_back(sdp)
        return self._ask(c2s.Invite(dialog=self._params(), sdp=sdp, trickle=self.terms.trickle), settled)

    def answer(self, sdp: str, settled: Settled) -> Waiter:
        sdp = self._held_back(sdp)
        return self._ask(c2s.Answer(dialog=self._params(), sdp=sdp, trickle=self.terms.trickle), settled)

    def bye(self, ending: Ending, seconds: float) -> Waiter:
        request = c2s.Bye(
            dialog=self._params(),
            cause=ending.cause,
            cause_code=ending.code,
            sip_code=ending.sip_code,
        )
        return self._line.ask(request, seconds)  # without an owner: it outlives the call

    def hold(self, action: HoldAction, settled: Settled) -> Waiter:
        return self._ask(c2s.Modify(dialog=self._params(), action=action), settled)

    def update_media(self, sdp: str, settled: Settled) -> Waiter:
        request = c2s.Modify(dialog=self._params(), action="updateMedia", again_call_id=self.id, sdp=sdp)
        return self._ask(request, settled)

    def press(self, digits: str) -> Waiter:
        return self._ask(c2s.Info(dialog=self._params(), dtmf=digits))

    def trickle(self) -> None:
        """Send the candidates that were held back; does nothing where they went with the SDP."""
        if not self.terms.trickle:
            return
        for candidate in self._candidates:
            self._ask(
                c2s.Candidate(
                    dialog=self._params(),
                    candidate=candidate,
                    sdp_mid="0",
                    sdp_m_line_index=0,
                )
            )
        self._ask(c2s.EndOfCandidates(dialog=self._params(), end_of_candidates=True))

    def forget(self, error: OffhookError) -> None:
        """The call is over, and nothing it asked matters any more."""
        self._line.forget(self.id, error)

    def _ask(self, request: c2s.Message, settled: Settled | None = None) -> Waiter:
        return self._line.ask(request, owner=self.id, settled=settled)

    def _held_back(self, sdp: str) -> str:
        """With trickle, the SDP without its candidates (RFC 8838): they follow by themselves."""
        if not self.terms.trickle:
            return sdp
        lines = sdp.splitlines(keepends=True)
        self._candidates = [line.strip().removeprefix("a=") for line in lines if line.startswith("a=candidate:")]
        return "".join(line for line in lines if not line.startswith(("a=candidate:", "a=end-of-candidates")))

    def _params(self) -> c2s.DialogParams:
        return c2s.DialogParams(
            browser_call_id=self.id,
            destination_number=self.terms.callee.number,
            remote_caller_id_name=self.remote.name or None,
            remote_caller_id_number=self.remote.number or None,
            caller_id_name=self.local.name,
            caller_id_number=self.local.number,
            custom_headers=tuple(Header(name, value) for name, value in self.custom_headers.items()) or None,
            client_state=self.terms.client_state,
            call_control_id=self.ids.call_control or None,
            session_id=self.ids.session or None,
            leg_id=self.ids.leg or None,
        )
