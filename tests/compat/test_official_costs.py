"""Category: compat. Costs as the official package and a spreadsheet see them."""

import csv
import io
import urllib.request
from collections.abc import Iterator
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

import msgspec
import pytest
import telnyx
from telnyx import Telnyx
from telnyx.types import CallCostWebhookEvent

from endpoint import Endpoint, says
from offhook.engine.clock import SystemChance
from offhook.engine.shadow import StoredShadow
from offhook.engine.telling import Teller
from offhook.voice.cause import ending
from offhook.voice.effect import Close
from offhook.voice.event import About
from offhook.voice.leg import LegIds, Party
from offhook.voice.usage import Usage

SECONDS = 61.0


@pytest.fixture
def api(rest: Any) -> Iterator[Telnyx]:
    with Telnyx(api_key=rest.key, base_url=rest.base_url, max_retries=0) as client:
        yield client


def end_of_call(rest: Any, n: int, name: str = "Alice") -> None:
    """A leg that has used something of everything ends now."""
    now = rest.clock.wall()
    used = tuple(
        Usage(add_on, f"{add_on} {n}", now - SECONDS, SECONDS, 100, ended_at=now)
        for add_on in ("recording", "tts", "amd", "conference-participant", "queue")
    )
    party = Party("alice", rest.account, "1" * 19, "alice", "+15550100001", name)
    ids = LegIds(f"v3:{rest.account}{n}", f"session {n}", f"leg {rest.account} {n}")
    close = Close(
        ids, party, party, "incoming", "+12025550100", "call", now - SECONDS, now - SECONDS, now, SECONDS,
        ending("NORMAL_CLEARING"), usages=used,
    )  # fmt: skip
    rest.do(StoredShadow(rest.identities.store, rest.clock).commit, [close])


def table(rest: Any, **filters: str) -> list[dict[str, str]]:
    query = urlencode({f"filter[{name}]": value for name, value in filters.items()})
    headers = {"Authorization": f"Bearer {rest.key}", "Accept": "text/csv"}
    request = urllib.request.Request(f"{rest.base_url}/detail_records?{query}", headers=headers)
    with urllib.request.urlopen(request) as answer:
        assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
        return list(csv.DictReader(io.TextIOWrapper(answer, "utf-8", newline="")))


def test_the_lines_their_table_and_the_balance_agree_to_the_micro_dollar(rest: Any, api: Telnyx) -> None:
    before = Decimal(api.balance.retrieve().data.balance or "")
    for n in range(3):
        end_of_call(rest, n)
    types = ("webrtc", "recording", "tts", "amd", "conference-participant", "call-control")
    lines = [
        each
        for kind in types
        for each in api.detail_records.list(filter={"record_type": kind, "date_range": "last_1_days"}, page_size=2)
    ]
    total = sum(Decimal(each.cost) for each in lines)
    rows = [
        row for row in table(rest, date_range="last_1_days") if row["call_leg_id"].startswith(f"leg {rest.account}")
    ]
    balance = api.balance.retrieve().data
    assert len(lines) == len(rows) == 3 * len(types)
    assert total == Decimal("0.004") * 3 + Decimal("0.004") * 3 + Decimal("0.0003") * 3 + Decimal("0.2") * 3 + Decimal(
        "0.012"
    )
    assert total == sum(Decimal(row["cost"]) for row in rows) == before - Decimal(balance.balance or "")
    assert (balance.record_type, balance.currency) == ("balance", "USD")
    assert Decimal(balance.available_credit or "") == Decimal(balance.balance or "") + Decimal(
        balance.credit_limit or ""
    )


def test_the_cost_of_a_call_arrives_as_the_class_of_the_package_once_it_is_asked_for(rest: Any) -> None:
    backend: Endpoint = rest.do(Endpoint().start)
    backend.answer = says(b"HTTP/1.1 204 No Content\r\n\r\n")
    client = Telnyx(api_key=rest.key, public_key=rest.public_key, base_url=rest.base_url, max_retries=0)
    with client as api:
        wanted: Any = {"application_name": "Costs", "webhook_event_url": backend.url, "webhook_api_version": "2"}
        application = api.call_control_applications.create(**wanted).data
        assert application is not None
        teller = Teller(rest.outbox, rest.clock, SystemChance(), "sip.test")
        directory = rest.identities.directory
        shadow = StoredShadow(rest.identities.store, rest.clock, application=directory.application, outbox=teller)
        rest.do(shadow.commit, [with_events(rest, application.id or "", "silent")])
        api.call_control_applications.update(
            application.id or "", application_name="Costs", webhook_event_url=backend.url, call_cost_in_webhooks=True
        )
        rest.do(shadow.commit, [with_events(rest, application.id or "", "told")])
        [(headers, body)] = rest.do(backend.after, 1)
        rest.do(backend.stop)
        found: Any = api.webhooks.unwrap(body.decode(), headers=headers)
    assert isinstance(found, CallCostWebhookEvent)
    payload: Any = found.data and found.data.payload
    assert (payload.call_leg_id, payload.status, payload.billed_duration_secs) == ("leg told", "success", 120)
    assert [(part.call_part, part.cost) for part in payload.cost_parts] == [
        ("webrtc", "0.004"),
        ("call-recording", "0.004"),
    ]
    assert payload.total_cost == "0.008"


def with_events(rest: Any, connection_id: str, name: str) -> Close:
    """The end of a leg whose customer is told of it."""
    now = rest.clock.wall()
    party = Party("alice", rest.account, connection_id, "alice", "+15550100001")
    ids = LegIds(f"v3:{name}", "session", f"leg {name}")
    return Close(
        ids, party, party, "incoming", "bob", "call", now - SECONDS, now - SECONDS, now, SECONDS,
        ending("NORMAL_CLEARING"), About(ids, party, "alice", "bob", "", "outgoing", now - SECONDS),
        (Usage("recording", "r", now - SECONDS, SECONDS, ended_at=now),),
    )  # fmt: skip


def test_filters_and_order_of_the_documented_kind(rest: Any, api: Telnyx) -> None:
    for n in (7, 8):
        end_of_call(rest, n)
    session: dict[str, Any] = {"record_type": "conference-participant", "call_session_id": "session 7"}
    [one] = api.detail_records.list(filter=session)
    assert (one.conference_id, one.billed_sec, one.rate_measured_in) == ("conference-participant 7", 120, "minutes")
    assert one.record_type == "conference_participant_detail_record"
    [amd] = api.detail_records.list(filter=session | {"record_type": "amd"})
    assert (amd.feature, amd.cost) == ("PREMIUM", "0.2")
    assert [row["record_type"] for row in table(rest, call_session_id="session 7", record_type="tts")] == [
        "tts_detail_record"
    ]
    web: Any = {"record_type": "webrtc", "telnyx_session_id": "session 7"}
    [leg] = api.detail_records.list(filter=web | {"direction": "outbound", "cld": "+12025550100", "billed_sec": "120"})
    assert not list(api.detail_records.list(filter=web | {"direction": "inbound"}))
    assert not list(api.detail_records.list(filter=web | {"answered_at": {"gt": leg.answered_at}}))
    for bad in ({"filter": web | {"shoe_size": "9"}}, {"filter": web, "sort": ["shoe_size"]}):
        with pytest.raises(telnyx.BadRequestError):
            list(api.detail_records.list(**bad))
    assert [each.id for each in api.detail_records.list(filter=web, sort=["-answered_at"])] == [leg.id]
    dear = api.detail_records.list(filter={"record_type": "tts"}, sort=["-cost"], page_size=1)
    assert next(iter(dear)).cost == "0.0003"


def test_a_cell_is_never_a_formula(rest: Any) -> None:
    end_of_call(rest, 9)
    [row] = table(rest, call_session_id="session 9", record_type="webrtc")
    assert (row["cli"], row["cld"]) == ("+15550100001", "+12025550100")
    now = rest.clock.wall()
    party = Party("x", rest.account, "1" * 19, "=cmd()")
    ids = LegIds("v3:f", "session f", f"leg {rest.account} f")
    close = Close(
        ids, party, party, "incoming", "-1+2", "call", now, None, now, 0.0, ending("NORMAL_CLEARING")
    )  # fmt: skip
    rest.do(StoredShadow(rest.identities.store, rest.clock).commit, [close])
    [row] = table(rest, call_session_id="session f")
    assert (row["cli"], row["cld"], row["auth_username"]) == ("'=cmd()", "'-1+2", "'=cmd()")


def test_a_table_with_a_bad_filter_is_refused_like_the_list(rest: Any) -> None:
    with pytest.raises(urllib.error.HTTPError) as refused:
        table(rest, date_range="whenever")
    assert msgspec.json.decode(refused.value.read())["errors"][0]["code"] == "10032"
