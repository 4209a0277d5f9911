"""Category: unit. The dialling table of the mission, every refusal, and several clients at once."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from offhook.voice import numbering
from offhook.voice.binding import Binding, Bindings, Encryption, Profile, protected
from offhook.voice.callbacks import Callbacks, Page
from offhook.voice.dialing import (
    HOSTED_DOMAINS,
    MAX_FORWARDS,
    Decision,
    Dialled,
    Dialplan,
    Forwarder,
    Park,
    Permitted,
    Refuse,
    Ring,
    domains,
)
from offhook.voice.directory import ConnectionCard, CredentialCard, Forwarding, NumberCard, ProfileCard
from offhook.voice.rating import PricePlan, Rate
from offhook.voice.terms import NONE, Recorded, Suppressed, Terms
from offhook.voice.trunk import Gateway, TrunkCard

DESK = ConnectionCard("1", "acme", "Desk", "john1234", sip_uri_calling_preference="internal")
NUMBER = "+13125550100"


class World:
    """A directory, a registry and traffic in dictionaries."""

    def __init__(self, **desk: Any) -> None:
        self.connections = {"1": msgspec.structs.replace(DESK, **desk)}
        self.credentials = {
            "gencred1": CredentialCard("k1", "acme", "1", "gencred1"),
            "gencred2": CredentialCard("k2", "acme", "1", "gencred2", expires_at=100.0),
        }
        self.numbers = {NUMBER: NumberCard("n", "acme", NUMBER, "1")}
        self.profiles: dict[str, ProfileCard] = {}
        self.bindings = Bindings()
        self.legs: dict[str, int] = {}
        self.callers: set[tuple[str, str]] = set()

    def connection(self, id: str) -> ConnectionCard | None:
        return self.connections.get(id)

    def connection_of_username(self, username: str) -> ConnectionCard | None:
        return next((card for card in self.connections.values() if card.username == username), None)

    def credential_of_username(self, username: str) -> CredentialCard | None:
        return self.credentials.get(username)

    def number(self, e164: str) -> NumberCard | None:
        return self.numbers.get(e164)

    def profile(self, id: str) -> ProfileCard | None:
        return self.profiles.get(id)

    def inbound(self, connection_id: str) -> int:
        return self.legs.get(f"in {connection_id}", 0)

    def outbound(self, connection_id: str) -> int:
        return self.legs.get(f"out {connection_id}", 0)

    def through(self, profile_id: str) -> int:
        return self.legs.get(f"via {profile_id}", 0)

    def calling(self, account_id: str, number: str) -> bool:
        return (account_id, number) in self.callers

    def log_in(self, id: str, username: str, token: str | None = None) -> None:
        credential = self.credentials.get(username)
        self.bindings.register(
            Binding(id, "acme", "1", username, 0.0, credential_id=credential.id if credential else None, token_id=token)
        )

    def dial(self, destination: str, **call: Any) -> Decision:
        plan = Dialplan(self, self.bindings, self, domains("sip.example.test", HOSTED_DOMAINS))
        return plan.decide(Dialled(destination, **{"now": 50.0, "account_id": "acme", "connection_id": "1"} | call))

    def rings(self, destination: str, **call: Any) -> list[str]:
        decision = self.dial(destination, **call)
        assert isinstance(decision, Ring), decision
        return [binding.id for binding in decision.bindings]

    def refuses(self, destination: str, **call: Any) -> tuple[str, int | None, str]:
        decision = self.dial(destination, **call)
        assert isinstance(decision, Refuse), decision
        return decision.ending.cause, decision.ending.sip_code, decision.ending.detail


@pytest.fixture
def six() -> World:
    """The mission's six clients, registered in turn."""
    world = World()
    world.credentials["gencred2"] = CredentialCard("k2", "acme", "1", "gencred2")
    for id, username, token in (
        ("a", "john1234", None),
        ("b", "gencred1", None),
        ("c", "gencred1", "token1_1"),
        ("d", "gencred2", None),
        ("e", "gencred2", "token2_1"),
        ("f", "gencred2", "token2_2"),
    ):
        world.log_in(id, username, token)
    return world


def test_six_clients_ring_by_their_own_username_only(six: World) -> None:
    assert [six.rings(user) for user in ("john1234", "gencred1", "gencred2")] == [["a"], ["c"], ["f"]]


def test_the_former_of_six_clients_rings_when_the_latest_goes(six: World) -> None:
    for gone, username, next_one in (("f", "gencred2", "e"), ("e", "gencred2", "d"), ("c", "gencred1", "b")):
        six.bindings.unregister(gone)
        assert six.rings(username) == [next_one]
    six.bindings.unregister("a")
    assert six.refuses("john1234")[0] == "USER_NOT_REGISTERED"


def test_simultaneous_ringing_rings_all_logins_of_the_username_and_no_other(six: World) -> None:
    six.connections["1"] = msgspec.structs.replace(six.connections["1"], simultaneous_ringing=True)
    assert six.rings("gencred2") == ["f", "e", "d"]
    assert six.rings("john1234") == ["a"]


@pytest.mark.parametrize(
    ("login", "token", "dialled"),
    [
        ("john1234", None, "john1234@sip.example.test"),
        ("john1234", None, NUMBER),
        ("gencred1", None, "gencred1@sip.example.test"),
        ("gencred1", "jwt", "gencred1@sip.example.test"),
    ],
)
def test_every_row_of_the_dialling_table(login: str, token: str | None, dialled: str) -> None:
    world = World(dnis_number_format="sip_username")
    world.log_in("x", login, token)
    assert world.rings(dialled) == ["x"]


@pytest.mark.parametrize(
    "destination",
    [
        "john1234",
        " john1234 ",
        "sip:john1234",
        "SIP:john1234@sip.example.test",
        "sips:john1234@SIP.Example.Test:5061;transport=tls?X-A=b",
        "sip:john1234;isub=1@sip.example.test.",
        "sip:john1234:secret@sip.example.test",
        "<sip:john1234@sip.example.test>",
        '"John" <sip:john1234@sip.telnyx.com>',
        "sip:%6Aohn1234@sip.telnyx.eu",
        *(f"john1234@{domain}" for domain in HOSTED_DOMAINS),
    ],
)
def test_a_username_in_every_spelling(destination: str) -> None:
    world = World()
    world.log_in("x", "john1234")
    assert world.rings(destination) == ["x"]


@pytest.mark.parametrize(
    "destination",
    [
        NUMBER,
        "13125550100",
        "3125550100",
        "(312) 555-0100",
        "1-312-555-0100",
        "tel:+1-312-555-0100",
        f"sip:{NUMBER}@sip.telnyx.com",
        f"{NUMBER};npdi=yes",
    ],
)
def test_a_phone_number_in_every_spelling(destination: str) -> None:
    world = World(dnis_number_format="sip_username")
    world.log_in("x", "john1234")
    assert world.rings(destination) == ["x"]


@pytest.mark.parametrize("dialled", ["020 7946 0123", "+442079460123", "00442079460123", "442079460123"])
def test_national_forms_follow_the_callers_localization(dialled: str) -> None:
    world = World(dnis_number_format="sip_username", localization="GB")
    world.numbers["+442079460123"] = NumberCard("g", "acme", "+442079460123", "1")
    world.log_in("x", "john1234")
    assert world.rings(dialled) == ["x"]


@pytest.mark.parametrize("destination", ["John1234", "john123", "john12345", "gencred", "nobody", "%00", "*67"])
def test_user_parts_match_exactly(destination: str) -> None:
    world = World()
    world.log_in("x", "john1234")
    assert world.refuses(destination)[0] in ("UNALLOCATED_NUMBER", "INVALID_NUMBER_FORMAT")


@pytest.mark.parametrize("destination", ["john1234@evil.test", "john1234@sip.telnyx.com.evil.test", "sip:john1234@"])
def test_foreign_domains_are_refused(destination: str) -> None:
    world = World()
    world.log_in("x", "john1234")
    assert world.refuses(destination)[:2] == ("UNALLOCATED_NUMBER", 404)


@pytest.mark.parametrize(
    "destination",
    ["911", "112", "999", "933", "+1911", "+112", "sip:911@sip.telnyx.com", "911@elsewhere.test", "9-1-1", "tel:911"],
)
def test_emergency_numbers_are_refused_at_once(destination: str) -> None:
    cause, _, detail = World().refuses(destination, connection_id=None, account_id=None)
    assert cause == "EMERGENCY_NOT_SUPPORTED"
    assert "emergency calling not supported" in detail


@pytest.mark.parametrize(
    ("preference", "account", "rings"),
    [
        ("disabled", "acme", False),
        ("internal", "acme", True),
        ("internal", "other", False),
        ("internal", None, False),
        ("unrestricted", "other", True),
        ("unrestricted", None, True),
    ],
)
def test_sip_uri_calling_preference(preference: str, account: str | None, rings: bool) -> None:
    world = World(sip_uri_calling_preference=preference)
    world.connections["2"] = ConnectionCard("2", "other", "Other", "other1234")
    world.log_in("x", "john1234")
    caller = {"acme": "1", "other": "2", None: None}[account]
    decision = world.dial("john1234", account_id=account, connection_id=caller)
    assert isinstance(decision, Ring) == rings
    if isinstance(decision, Refuse):
        assert (decision.ending.cause, decision.ending.sip_code) == ("CALL_REJECTED", 403)
        assert "sip_uri_calling_preference" in decision.ending.detail


def test_a_username_that_starts_with_a_digit_cannot_be_dialled() -> None:
    world = World(username="4john")
    world.log_in("x", "4john")
    assert "sip_uri_calling_preference" in world.refuses("4john")[2]


def full_profile(**facts: Any) -> dict[str, ProfileCard]:
    return {"p": ProfileCard("p", "acme", "Out", **facts)}


@pytest.mark.parametrize(
    ("desk", "destination", "cause", "field"),
    [
        ({"active": False}, "john1234", "CALL_REJECTED", "active"),
        ({"dnis_number_format": "e164"}, NUMBER, "UNALLOCATED_NUMBER", "inbound.dnis_number_format"),
        ({"inbound_channel_limit": 2}, "john1234", "NORMAL_CIRCUIT_CONGESTION", "inbound.channel_limit"),
        ({"outbound_channel_limit": 1}, "john1234", "NORMAL_CIRCUIT_CONGESTION", "outbound.channel_limit"),
        ({}, "gencred1", "USER_NOT_REGISTERED", "registered"),
        ({}, "+15550009999", "UNALLOCATED_NUMBER", "trunk"),
        ({}, "12345", "INVALID_NUMBER_FORMAT", "number"),
        ({}, "a" * 257, "INVALID_NUMBER_FORMAT", "long"),
        ({}, "bob\n", "UNALLOCATED_NUMBER", "username"),
        ({}, "bo\nb", "INVALID_NUMBER_FORMAT", "unreadable"),
        ({}, "sip:@sip.telnyx.com", "INVALID_NUMBER_FORMAT", "nobody"),
    ],
)
def test_refusals_name_what_refuses(desk: dict[str, Any], destination: str, cause: str, field: str) -> None:
    world = World(**desk)
    world.log_in("x", "john1234")
    world.legs = {"in 1": 2, "out 1": 1}
    said, _, detail = world.refuses(destination)
    assert said == cause
    assert field in detail


def test_an_inactive_connection_is_not_found_from_elsewhere() -> None:
    world = World(active=False, sip_uri_calling_preference="unrestricted")
    world.log_in("x", "john1234")
    assert world.refuses("john1234", connection_id=None, account_id=None)[:2] == ("UNALLOCATED_NUMBER", 404)


@pytest.mark.parametrize("field", [{"active": False}, {"sip_uri_calling_preference": "internal"}, {}])
def test_another_account_does_not_learn_what_a_connection_is_called(field: dict[str, Any]) -> None:
    world = World(**({"sip_uri_calling_preference": "unrestricted", "name": "Secret project"} | field))
    for call in ({"connection_id": None, "account_id": None}, {"account_id": "other", "connection_id": "2"}):
        world.connections["2"] = ConnectionCard("2", "other", "Other", "other1234")
        assert "Secret" not in world.refuses("john1234", **call)[2]
    assert "Secret" in world.refuses("gencred1")[2]


def test_a_credential_rings_until_it_expires_and_not_once_deleted() -> None:
    world = World()
    world.log_in("x", "gencred2")
    assert world.rings("gencred2", now=99.9) == ["x"]
    assert "expires_at" in world.refuses("gencred2", now=100.0)[2]
    del world.credentials["gencred2"]
    assert world.refuses("gencred2", now=50.0)[:2] == ("UNALLOCATED_NUMBER", 404)


def test_a_number_without_connection_is_refused() -> None:
    world = World()
    world.numbers[NUMBER] = NumberCard("n", "acme", NUMBER)
    assert "connection_id" in world.refuses(NUMBER)[2]


@pytest.mark.parametrize(
    ("profile", "field"),
    [
        ({"enabled": False}, "enabled"),
        ({"whitelisted_destinations": ("DE",)}, "whitelisted_destinations"),
        ({"concurrent_call_limit": 3}, "concurrent_call_limit"),
        ({"max_micros_per_minute": 1999}, "max_destination_rate"),
    ],
)
def test_the_outbound_voice_profile_governs_calls_to_numbers_only(profile: dict[str, Any], field: str) -> None:
    world = World(dnis_number_format="sip_username", profile_id="p")
    world.profiles = full_profile(**profile)
    world.legs = {"via p": 3}
    world.log_in("x", "john1234")
    assert field in world.refuses(NUMBER)[2]
    assert world.rings("john1234") == ["x"]


@pytest.mark.parametrize(
    ("hours", "minute", "open"),
    [
        ((540, 1020), 539, False),
        ((540, 1020), 540, True),
        ((540, 1020), 1019, True),
        ((540, 1020), 1020, False),
        ((1320, 360), 1330, True),
        ((1320, 360), 10, True),
        ((1320, 360), 400, False),
        ((0, 0), 0, False),
    ],
)
def test_calls_to_numbers_are_made_in_their_window(hours: tuple[int, int], minute: int, open: bool) -> None:
    world = World(dnis_number_format="sip_username", profile_id="p")
    world.profiles = full_profile(hours=hours)
    world.log_in("x", "john1234")
    now = 86_400.0 * 20_000 + minute * 60
    assert isinstance(world.dial(NUMBER, now=now), Ring) == open
    if not open:
        assert "calling_window" in world.refuses(NUMBER, now=now)[2]


KEPT = Recorded("dual", "mp3")


@pytest.mark.parametrize(
    ("profile", "caller", "destination", "record", "group"),
    [
        ({"record": KEPT, "billing_group": "g"}, "anything", NUMBER, KEPT, "g"),
        ({"record": KEPT, "billing_group": "g"}, "anything", "john1234", None, ""),
        ({"record": KEPT, "record_callers": ("+13125550199",)}, "13125550199", NUMBER, KEPT, ""),
        ({"record": KEPT, "record_callers": ("+13125550199",)}, "+13125550198", NUMBER, None, ""),
        ({}, "anything", NUMBER, None, ""),
    ],
)
def test_what_a_caller_wants_of_its_leg(
    profile: dict[str, Any], caller: str, destination: str, record: Recorded | None, group: str
) -> None:
    world = World(dnis_number_format="sip_username", profile_id="p", suppress=Suppressed("inbound"))
    world.profiles = full_profile(**profile)
    world.log_in("x", "john1234")
    made = world.dial(destination, caller_number=caller)
    assert isinstance(made, Ring)
    assert made.caller_terms == Terms(record, Suppressed("inbound"), group)
    assert made.terms == Terms(suppress=Suppressed("inbound"))


@pytest.mark.parametrize(
    ("connection", "to", "command", "encryption"),
    [
        ("none", "john1234@sip.telnyx.com", None, "none"),
        ("srtp", "john1234@sip.telnyx.com", None, "srtp"),
        ("none", "sip:john1234@sip.telnyx.com;secure=srtp", None, "srtp"),
        ("none", "<sip:john1234@sip.telnyx.com;transport=tls;secure=DTLS>", None, "dtls"),
        ("srtp", "sip:john1234@sip.telnyx.com;secure=none", None, "none"),
        ("none", "sip:john1234@sip.telnyx.com;secure=srtp2", None, "none"),
        ("none", "sip:john1234@sip.telnyx.com;secure=srtp", "dtls", "dtls"),
    ],
)
def test_media_are_encrypted_as_the_command_the_destination_or_the_connection_says(
    connection: Encryption, to: str, command: Encryption | None, encryption: str
) -> None:
    world = World(encryption=connection)
    world.log_in("a", "john1234")
    found = world.dial(to, encryption=command)
    assert isinstance(found, Ring)
    assert found.terms.encryption == encryption


def test_what_a_number_wants_of_the_calls_to_it() -> None:
    world = World(dnis_number_format="sip_username")
    world.numbers[NUMBER] = NumberCard("n", "acme", NUMBER, "1", translated="100", record=KEPT, billing_group="g")
    world.log_in("x", "john1234")
    made = world.dial(NUMBER)
    assert isinstance(made, Ring)
    assert (made.number, made.shown, made.terms) == (NUMBER, "100", Terms(KEPT, None, "g"))


@pytest.mark.parametrize(
    ("form", "shown"),
    [
        ("+E.164", "+13125550199"),
        ("E.164", "13125550199"),
        ("+E.164-national", "3125550199"),
        ("E.164-national", "3125550199"),
    ],
)
def test_the_callers_number_as_the_callees_connection_wants_it(form: str, shown: str) -> None:
    world = World(dnis_number_format="sip_username", ani_number_format=form)
    world.log_in("x", "john1234")
    decision = world.dial(NUMBER, caller_number="+13125550199")
    assert isinstance(decision, Ring)
    assert decision.caller_number == shown


@pytest.mark.parametrize(("kind", "shown"), [("always", "+1999"), ("normal", "+1999"), ("emergency", "me")])
def test_ani_override(kind: str, shown: str) -> None:
    world = World(ani_override="+1999", ani_override_type=kind)
    world.log_in("x", "john1234")
    decision = world.dial("john1234", caller_number="me")
    assert isinstance(decision, Ring)
    assert decision.caller_number == shown


@pytest.mark.parametrize(
    ("desk", "ringback"),
    [
        ({}, "instant"),
        ({"instant_ringback": False}, "none"),
        ({"instant_ringback": False, "inbound_ringback": True}, "on_ringing"),
        ({"instant_ringback": False, "outbound_ringback": True}, "on_ringing"),
    ],
)
def test_ringback(desk: dict[str, Any], ringback: str) -> None:
    world = World(**desk)
    world.log_in("x", "john1234")
    decision = world.dial("john1234")
    assert isinstance(decision, Ring)
    assert decision.ringback == ringback


@given(st.text(max_size=300))
def test_no_text_raises_or_rings_a_stranger(destination: str) -> None:
    world = World()
    world.log_in("x", "john1234")
    decision = world.dial(destination)
    assert isinstance(decision, Refuse) or "john1234" in decision.username


@pytest.mark.parametrize(
    ("number", "country"),
    [
        (NUMBER, "US"),
        ("+14165550100", "CA"),
        ("+18765550100", "JM"),
        ("+442079460123", "GB"),
        ("+77012345678", "KZ"),
        ("+353861234567", "IE"),
        ("+2999", "GL"),
        ("+0", None),
    ],
)
def test_countries(number: str, country: str | None) -> None:
    assert numbering.country_of(number) == country


# ---- numbers of applications ---------------------------------------------------------------------------------

APPLICATION = ConnectionCard(
    "9", "acme", "Menu", "", called="parks", callbacks=Callbacks(Page("http://app.test/voice"))
)


def of_application(**facts: Any) -> World:
    """The number is that of an application."""
    world = World()
    world.connections["9"] = msgspec.structs.replace(APPLICATION, **facts)
    world.numbers[NUMBER] = NumberCard("n", "acme", NUMBER, "9", record=Recorded("dual", "mp3"))
    return world


def test_a_number_of_an_application_parks_the_call_there() -> None:
    parked = of_application().dial(NUMBER)
    assert isinstance(parked, Park)
    assert (parked.application, parked.number, parked.callbacks) == (APPLICATION, NUMBER, APPLICATION.callbacks)
    assert parked.caller_terms.record == Recorded("dual", "mp3")
    assert "application" in parked.reason


def test_an_application_takes_calls_while_it_is_active_and_has_room() -> None:
    assert of_application(active=False).refuses(NUMBER)[0] == "UNALLOCATED_NUMBER"
    world = of_application(inbound_channel_limit=2)
    world.legs["in 9"] = 2
    assert "inbound.channel_limit" in world.refuses(NUMBER)[2]


# ---- numbers that send calls on ------------------------------------------------------------------------------

SECOND, AWAY = "+13125550101", "+13125550102"


def sent_on(to: str, when: Any = "always", **world: Any) -> World:
    """The number sends its calls on; AWAY is in the telephone network."""
    made = World(dnis_number_format="sip_username", **world)
    made.numbers[NUMBER] = NumberCard("n", "acme", NUMBER, "1", forwarding=Forwarding(to, when))
    made.numbers[AWAY] = NumberCard("a", "pstn", AWAY, "pstn", "a phone out there")
    made.connections["pstn"] = ConnectionCard("pstn", "pstn", "Out there", "out", dnis_number_format="sip_username")
    made.connections["2"] = ConnectionCard("2", "other", "Other", "other1234")
    made.bindings.register(Binding("o", "pstn", "pstn", "out", 0.0, network="pstn"))
    return made


def test_a_call_that_a_number_sends_on_is_its_owners_from_there_on() -> None:
    made = sent_on(AWAY).dial(NUMBER, account_id="other", connection_id="2")
    assert isinstance(made, Ring)
    assert [each.id for each in made.bindings] == ["o"]
    assert (made.number, made.shown) == (NUMBER, AWAY)
    assert made.forwarder == Forwarder("acme", "1", AWAY, AWAY, (NUMBER,), NONE)
    assert "call_forwarding" in made.reason


def test_on_failure_the_client_comes_first_and_what_comes_then_is_told() -> None:
    world = sent_on(AWAY, "on-failure")
    absent = world.dial(NUMBER)
    assert isinstance(absent, Ring)
    assert (absent.bindings[0].id, absent.otherwise) == ("o", None)
    world.log_in("x", "john1234")
    made = world.dial(NUMBER)
    assert isinstance(made, Ring)
    assert (made.bindings[0].id, made.forwarder) == ("x", None)
    assert made.otherwise == Dialled(AWAY, 50.0, "acme", "1", "", (NUMBER,))


@pytest.mark.parametrize(
    ("limits", "setting"),
    [
        ({"profile_id": "p"}, "whitelisted_destinations"),
        ({"active": False}, "active"),
        ({"outbound_channel_limit": 0}, "outbound.channel_limit"),
    ],
)
def test_where_a_number_sends_calls_its_own_connection_may_call(limits: dict[str, Any], setting: str) -> None:
    world = sent_on("+442079460123", **limits)
    world.numbers["+442079460123"] = NumberCard("a", "pstn", "+442079460123", "pstn", "a phone out there")
    world.profiles = {"p": ProfileCard("p", "acme", "Out")}
    world.connections["3"] = ConnectionCard("3", "acme", "Third", "third1234")
    assert setting in world.refuses(NUMBER, connection_id="3")[2]
    assert setting not in world.refuses(NUMBER, account_id="other", connection_id="2")[2], (
        "that is nobody else's business"
    )


def test_a_number_may_send_calls_to_a_name_and_to_an_application() -> None:
    world = sent_on("sip:john1234@sip.telnyx.com")
    world.log_in("x", "john1234")
    assert world.rings(NUMBER, account_id="other", connection_id="2") == ["x"]
    world.numbers[NUMBER] = NumberCard("n", "acme", NUMBER, "1", forwarding=Forwarding(SECOND, "always"))
    world.numbers[SECOND] = NumberCard("m", "acme", SECOND, "9")
    world.connections["9"] = APPLICATION
    parked = world.dial(NUMBER)
    assert isinstance(parked, Park)
    assert (parked.application, parked.number) == (APPLICATION, SECOND)


@pytest.mark.parametrize("to", ["911@sip.telnyx.com", "+112"])
def test_no_number_sends_a_call_to_an_emergency_number(to: str) -> None:
    assert sent_on(to).refuses(NUMBER)[0] == "EMERGENCY_NOT_SUPPORTED"


def test_circles_of_numbers_are_cut_also_where_they_go_through_the_outside() -> None:
    world = sent_on(SECOND)
    world.numbers[SECOND] = NumberCard("m", "acme", SECOND, "1", forwarding=Forwarding(NUMBER, "always"))
    assert "circle" in world.refuses(NUMBER)[2]
    outside = sent_on(AWAY)
    assert "circle" in outside.refuses(NUMBER, passed=(NUMBER,))[2]
    again = sent_on(AWAY, "on-failure")
    again.log_in("x", "john1234")
    made = again.dial(NUMBER, passed=(NUMBER,))
    assert isinstance(made, Ring)
    assert made.otherwise is None


def test_a_call_is_sent_on_so_many_times_and_no_more() -> None:
    world = sent_on(AWAY)
    chain = [f"+1312555020{n}" for n in range(MAX_FORWARDS + 1)]
    for number, to in zip(chain, [*chain[1:], AWAY], strict=True):
        world.numbers[number] = NumberCard(number, "acme", number, "1", forwarding=Forwarding(to, "always"))
    assert world.rings(chain[1]) == ["o"]
    assert world.refuses(chain[0])[0] == "UNALLOCATED_NUMBER"


def test_a_minute_costs_what_it_costs_where_the_call_ends_up() -> None:
    world = sent_on(AWAY)
    plan = Dialplan(world, world.bindings, world, domains())
    here, there = plan.prices(Dialled(NUMBER, 50.0, "acme", "1"))
    assert (here.part, there.part, there.way, there.prefix) == ("webrtc", "sip-trunking", "outbound", "+1")


# ---- outside -------------------------------------------------------------------------------------------------

OWN, STRANGE, OUTSIDE = "+12025550101", "+12025550777", "+12025550190"
CARRIER = TrunkCard("carrier", "carrier", "pstn", "trunk:carrier", (Gateway("192.0.2.1"),), prefixes=("+",), name="Out")


class Town(World):
    """A carrier takes every number, and the desk has a profile and OWN."""

    def __init__(self, profile: dict[str, Any] | None = None, **desk: Any) -> None:
        super().__init__(**{"profile_id": "p", "dnis_number_format": "sip_username"} | desk)
        self.profiles = full_profile(**profile or {})
        self.numbers[OWN] = NumberCard("o", "acme", OWN, "1")
        self.numbers["+12025550666"] = NumberCard("x", "other", "+12025550666", "2")
        self.spent = 0
        self.carriers = [CARRIER]
        self.bindings.register(
            Binding("way out", "pstn", "carrier", CARRIER.username, 0.0, network="pstn", capacity="trunk")
        )

    def trunk(self, id: str) -> TrunkCard | None:
        return next((each for each in self.carriers if each.id == id), None)

    def trunks(self) -> tuple[TrunkCard, ...]:
        return tuple(self.carriers)

    def spent_today(self, profile_id: str) -> int:
        return self.spent

    def available(self, account_id: str) -> int:
        return 1

    @property
    def plan(self) -> Dialplan:
        return Dialplan(self, self.bindings, self, domains(), purse=self, trunks=self)

    def call(self, destination: str = OUTSIDE, **call: Any) -> Dialled:
        return Dialled(
            destination, **{"now": 50.0, "account_id": "acme", "connection_id": "1", "caller_number": OWN} | call
        )

    def dial(self, destination: str = OUTSIDE, **call: Any) -> Decision:
        return self.plan.decide(self.call(destination, **call))

    def refused(self, **call: Any) -> tuple[str, str]:
        """The API's code and that of the SIP answer, which are the same for a command."""
        decision, permitted = self.dial(**call), self.plan.permit(self.call(**call))
        assert isinstance(decision, Refuse), decision
        assert isinstance(permitted, Refuse), permitted
        assert decision.why is not None
        assert (decision.ending.sip_code, decision.why) == (permitted.ending.sip_code, permitted.why)
        assert decision.ending.detail.endswith(decision.why.tag)
        return decision.why.code, decision.why.tag


@pytest.mark.parametrize(
    ("claimed", "shown"),
    [
        (OWN, OWN),
        ("12025550101", OWN),
        ("(202) 555-0101", OWN),
        ("\uff0b\uff11\uff12\uff10\uff12\uff15\uff15\uff15\uff10\uff11\uff10\uff11", OWN),
        (f"sip:{OWN}@sip.telnyx.com", OWN),
        (f'"Desk" <sip:{OWN}@192.0.2.1>', OWN),
        (STRANGE, None),
        ("+12025550666", None),
        ("+1 (900) 555-0100", None),
        ("911", None),
        ("\uff19\uff11\uff11", None),
        ("+1911", None),
        ("", None),
        ("anonymous", None),
        ("+\u0661\u0662\u0660\u0662\u0665\u0665\u0665\u0660\u0661\u0660\u0661", None),
        ("+12025550101;tgrp=x", OWN),
        ("+120255501010", None),
        ("\u20171202555\u200b0101", None),
    ],
)
def test_who_calls_outside_shows_a_number_of_its_own(claimed: str, shown: str | None) -> None:
    town = Town()
    if shown is None:
        assert town.refused(caller_number=claimed) == ("10010", "D35")
        return
    made = town.dial(caller_number=claimed)
    assert isinstance(made, Ring), made
    assert ([each.id for each in made.bindings], made.caller_number) == (["way out"], shown)
    assert isinstance(town.plan.permit(town.call(caller_number=claimed)), Permitted)


def test_an_override_is_what_is_shown_and_must_be_the_accounts_as_well() -> None:
    made = Town(ani_override=OWN).dial(caller_number="john1234")
    assert isinstance(made, Ring)
    assert made.caller_number == OWN
    assert Town(ani_override=STRANGE).refused() == ("10010", "D35")


def test_a_caller_from_outside_may_be_shown_to_others_outside_while_its_call_lives() -> None:
    town = Town()
    assert town.refused(caller_number=STRANGE)[1] == "D35"
    town.callers.add(("acme", STRANGE))
    made = town.dial(caller_number=STRANGE, connection_id=None)
    assert isinstance(made, Ring)
    assert made.caller_number == STRANGE


@pytest.mark.parametrize(
    ("forwarding", "vouched_for", "caller", "shown"),
    [
        ("always", True, STRANGE, STRANGE),
        ("on-failure", True, STRANGE, STRANGE),
        ("always", True, "anonymous", NUMBER),
        ("always", False, STRANGE, NUMBER),
        ("always", False, OWN, OWN),
    ],
)
def test_what_a_call_that_is_sent_on_shows(forwarding: Any, vouched_for: bool, caller: str, shown: str) -> None:
    town = Town()
    town.numbers[NUMBER] = NumberCard("n", "acme", NUMBER, "1", forwarding=Forwarding(OUTSIDE, forwarding))
    from_outside = {"connection_id": "carrier", "account_id": "pstn"} if vouched_for else {}
    made = town.dial(NUMBER, caller_number=caller, vouched_for=vouched_for, **from_outside)
    assert isinstance(made, Ring), made
    assert (made.bindings[0].id, made.caller_number) == ("way out", shown)
    assert made.forwarder is not None
    assert (made.forwarder.account_id, made.forwarder.number) == ("acme", OUTSIDE)


@pytest.mark.parametrize(
    ("profile", "desk", "legs", "spent", "tag"),
    [
        ({}, {"profile_id": None}, 0, 0, "D38"),
        ({}, {}, 0, 0, None),
        ({}, {}, 9, 0, None),
        ({}, {}, 10, 0, "D2"),
        ({"concurrent_call_limit": 20}, {}, 19, 0, None),
        ({"concurrent_call_limit": 20}, {}, 20, 0, "D2"),
        ({}, {}, 0, 49_999_999, None),
        ({}, {}, 0, 50_000_000, ""),
        ({"daily_spend_micros": 90_000_000}, {}, 0, 50_000_000, None),
        ({"whitelisted_destinations": ("GB",)}, {}, 0, 0, "D13"),
        ({"enabled": False}, {}, 0, 0, ""),
        ({"max_micros_per_minute": 4_000}, {}, 0, 0, "D24"),
    ],
)
def test_calls_outside_need_a_profile_and_keep_to_the_usual_limits_where_it_sets_none(
    profile: dict[str, Any], desk: dict[str, Any], legs: int, spent: int, tag: str | None
) -> None:
    town = Town(profile, **desk)
    town.legs, town.spent = {"via p": legs}, spent
    if tag is None:
        assert isinstance(town.dial(), Ring)
        assert isinstance(town.plan.permit(town.call()), Permitted)
    else:
        assert town.refused() == ({"D2": "90042"}.get(tag, "10010"), tag)


def test_dear_calls_are_made_only_where_the_profile_names_a_rate() -> None:
    dear = PricePlan("dear", [Rate("webrtc", 0), Rate("sip-trunking", 500_001, way="outbound")])
    town = Town()
    plan = Dialplan(town, town.bindings, town, domains(), dear, town, town)
    refused = plan.decide(town.call())
    assert isinstance(refused, Refuse)
    assert "max_destination_rate" in refused.reason
    town.profiles = full_profile(max_micros_per_minute=600_000)
    assert isinstance(plan.decide(town.call()), Ring)


def test_the_limits_of_calls_outside_are_none_of_calls_inside() -> None:
    town = Town(profile_id=None)
    town.log_in("x", "john1234")
    assert town.rings(OWN, caller_number="anything") == ["x"]


def test_strangers_and_carriers_are_not_led_outside() -> None:
    town = Town()
    for caller in ({"account_id": None, "connection_id": None}, {"account_id": "pstn", "connection_id": "carrier"}):
        assert "nobody here has this number" in town.refuses(OUTSIDE, **caller)[2]


def test_a_command_is_not_forbidden_where_no_carrier_is() -> None:
    town = Town(profile_id=None)
    town.carriers = []
    assert isinstance(town.plan.permit(town.call()), Permitted)
    assert town.refuses(OUTSIDE)[0] == "UNALLOCATED_NUMBER"


@pytest.mark.parametrize(
    ("profile", "encryption", "offered"),
    [("webrtc", "srtp", "webrtc"), ("rtp", "none", "rtp"), ("rtp", "srtp", "srtp"), ("rtp", "dtls", "dtls")],
)
def test_a_browser_is_encrypted_in_its_own_way(profile: Profile, encryption: Encryption, offered: str) -> None:
    assert protected(profile, encryption) == offered
