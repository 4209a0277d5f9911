"""Category: wire. SIP session timers: what is agreed, and when to refresh or to give up (RFC 4028, case SIP-15)."""

import pytest

from offhook.wire.sip_admission import respond
from offhook.wire.sip_fields import Fields
from offhook.wire.sip_session_timer import Agreed, Refresher, TooSmall, Wish, after_refusal, agreed_by, answer_to, offer

from .sip import request

UAC, UAS = Refresher.UAC, Refresher.UAS
TIMER = ("Supported", "timer")


@pytest.mark.parametrize(
    ("asked", "agreed"),
    [
        ((), Agreed(1800, UAS)),
        ((TIMER,), Agreed(1800, UAS)),
        ((TIMER, ("Session-Expires", "600")), Agreed(600, UAS)),
        ((TIMER, ("Session-Expires", "600;refresher=uac")), Agreed(600, UAC)),
        ((TIMER, ("Session-Expires", "600;refresher=UAS")), Agreed(600, UAS)),
        ((TIMER, ("Session-Expires", "7200"), ("Min-SE", "3600")), Agreed(3600, UAS)),
        ((TIMER, ("Session-Expires", "7200")), Agreed(1800, UAS)),
        ((TIMER, ("Session-Expires", "89")), TooSmall(90)),
        ((("Session-Expires", "600;refresher=uac"),), Agreed(600, UAS)),
        ((("Session-Expires", "1"),), Agreed(90, UAS)),
        ((("Min-SE", "3600"),), Agreed(3600, UAS)),
    ],
)
def test_what_a_server_agrees_to(asked: Fields, agreed: Agreed | TooSmall) -> None:
    assert answer_to(request("INVITE", asked), Wish()) == agreed


@pytest.mark.parametrize("agreed", [Agreed(600, UAC), Agreed(90, UAS)])
def test_a_client_reads_what_a_server_agreed_to(agreed: Agreed) -> None:
    response = respond(request(), 200, "tag", agreed.fields())
    assert agreed_by(response) == agreed
    assert response.has_option("Require", "timer") is (agreed.refresher is UAC)


def test_without_an_answer_there_is_no_timer() -> None:
    assert agreed_by(respond(request(), 200, "tag")) is None
    assert agreed_by(respond(request(), 200, "tag", (("Session-Expires", "600"),))) == Agreed(600, UAC)


def test_after_422_the_next_offer_is_large_enough() -> None:
    wish = Wish(interval=120)
    refused = respond(request(), 422, "tag", TooSmall(600).fields())
    again = after_refusal(refused, wish)
    assert offer(again) == (TIMER, ("Session-Expires", "600"), ("Min-SE", "600"))
    assert answer_to(request("INVITE", offer(again)), Wish(smallest=600)) == Agreed(600, UAS)
    assert offer(wish, UAC) == (TIMER, ("Session-Expires", "120;refresher=uac"))


@pytest.mark.parametrize(("interval", "refresh", "end"), [(90, 45, 60), (96, 48, 64), (1800, 900, 1768)])
def test_times(interval: int, refresh: int, end: int) -> None:
    agreed = Agreed(interval, UAS)
    assert (agreed.refresh_at(1000.0), agreed.ends_at(1000.0)) == (1000.0 + refresh, 1000.0 + end)
