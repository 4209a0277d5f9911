"""Category: unit. Our registration at others' registrars (RFC 3261 section 10.2, RFC 5626 section 4.5)."""

import pytest

from offhook.wire.sip_fields import Fields
from offhook.wire.sip_grammar import Malformed
from offhook.wire.sip_message import Response
from offhook.wire.sip_registering import STEPS, Registering, State, Step, granted_to, retry_after


def response(status: int, *fields: tuple[str, str]) -> Response:
    more: Fields = tuple(fields)
    return Response(status=status, reason="", fields=more)


def registered(granted: int = 600, at: float = 0.0) -> Registering:
    it = Registering(600)
    it.asks()
    it.accepted(granted, at)
    return it


class TestTimes:
    def test_it_is_refreshed_a_minute_before_its_end(self) -> None:
        it = registered(600, at=10.0)
        assert (it.state, it.wakes_at, it.expires_at) == (State.REGISTERED, 550.0, 610.0)

    def test_a_brief_one_half_way(self) -> None:
        assert registered(60).wakes_at == 30.0

    def test_who_fails_again_waits_longer_up_to_half_an_hour(self) -> None:
        it, waits = Registering(600), list[float]()
        for _ in range(9):
            it.asks()
            it.refused(503, 0.0, 1.0)
            waits.append(it.wakes_at)
        assert waits == [30, 60, 120, 240, 480, 960, 1800, 1800, 1800]
        it.asks()
        it.refused(503, 0.0, 0.0)
        assert it.wakes_at == 900  # chance takes up to a half
        it.asks()
        it.accepted(600, 0.0)
        assert it.failures == 0

    def test_who_asks_for_time_gets_it_within_reason(self) -> None:
        it = Registering(600)
        it.asks()
        it.refused(503, 0.0, 0.0, retry_after=100)
        assert it.wakes_at == 100
        it.asks()
        it.refused(503, 0.0, 0.0, retry_after=10**9)
        assert it.wakes_at == 1800

    def test_a_lost_connection_has_us_ask_soon(self) -> None:
        it = registered()
        it.lost(100.0, 0.5)
        assert it.wakes_at == 101.5


class TestSteps:
    def test_a_refresh_that_fails_leaves_what_the_registrar_has(self) -> None:
        it = registered()
        it.asks()
        it.refused(408, 545.0, 0.0)
        assert (it.state, it.expires_at, it.wakes_at) == (State.FAILED, 600.0, 560.0)

    def test_only_who_may_be_registered_takes_it_back(self) -> None:
        assert not Registering(600).stops()
        assert registered().stops()
        trying = Registering(600)
        trying.asks()
        assert trying.stops()

    def test_nothing_leads_back_from_the_end(self) -> None:
        assert not [step for step in Step if (State.GONE, step) in STEPS]
        it = Registering(600)
        it.stops()
        with pytest.raises(KeyError):
            it.asks()


class TestAnswers:
    def test_423_has_us_ask_for_longer_once(self) -> None:
        it = Registering(60)
        it.asks()
        assert it.asks_longer(response(423, ("Min-Expires", "300"))) == 300
        assert it.asks_longer(response(423, ("Min-Expires", "300"))) is None
        assert it.asks_longer(response(423, ("Min-Expires", "4294967295"))) is None
        assert it.asks_longer(response(423)) is None
        assert it.asks_longer(response(200, ("Min-Expires", "600"))) is None

    def test_it_holds_as_long_as_our_own_contact_says(self) -> None:
        contacts = (("Contact", "<sip:other@192.0.2.1>;expires=30"), ("Contact", "<sip:us@192.0.2.2>;expires=90"))
        assert granted_to("us", response(200, *contacts), 600) == 90
        assert granted_to("us", response(200, ("Expires", "120")), 600) == 120
        assert granted_to("us", response(200), 600) == 600
        with pytest.raises(Malformed):
            granted_to("us", response(200, ("Expires", "soon")), 600)

    @pytest.mark.parametrize(
        ("text", "seconds"), [("120", 120), ("18000;duration=3600", 18000), ("30 (in a meeting)", 30), ("later", None)]
    )
    def test_retry_after(self, text: str, seconds: int | None) -> None:
        assert retry_after(response(503, ("Retry-After", text))) == seconds
