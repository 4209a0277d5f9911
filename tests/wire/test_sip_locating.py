"""Category: unit. Where a SIP host is (RFC 3263, RFC 2782): records in, targets out."""

from collections import Counter
from random import Random

import pytest

from offhook.wire.sip_locating import Naptr, Question, Records, Silent, Srv, Target, Transport, in_turn, locate

Zone = dict[tuple[str, str], Records]


def targets(zone: Zone, host: str, port: int | None = None, transport: Transport | None = None) -> list[Target]:
    return found(zone, host, port, transport)[0]


def found(
    zone: Zone, host: str, port: int | None = None, transport: Transport | None = None
) -> tuple[list[Target], list[Question]]:
    """What comes of a zone's records, and what was asked for that. Who rolls, always rolls the least."""
    asking = locate(host, port, transport, lambda _: 0)
    asked: list[Question] = []
    try:
        question = next(asking)
        while True:
            asked.append(question)
            question = asking.send(zone.get((question.name, question.type), ()))
    except StopIteration as end:
        return list(end.value), asked


class TestWithoutQuestions:
    """RFC 3263 section 4.2: an address or a port says where."""

    @pytest.mark.parametrize(
        ("host", "port", "transport", "expected"),
        [
            ("192.0.2.1", None, None, Target("UDP", "192.0.2.1", 5060)),
            ("192.0.2.1", None, "TLS", Target("TLS", "192.0.2.1", 5061)),
            ("2001:db8::1", 5070, "TCP", Target("TCP", "2001:db8::1", 5070)),
            ("example.org", 5080, None, Target("UDP", "example.org", 5080)),
            ("example.org", 5080, "TLS", Target("TLS", "example.org", 5080)),
        ],
    )
    def test_says_where(self, host: str, port: int | None, transport: Transport | None, expected: Target) -> None:
        assert found({}, host, port, transport) == ([expected], [])


class TestTransports:
    """RFC 3263 section 4.1."""

    def test_naptr_names_the_transport_and_where_to_ask_on(self) -> None:
        zone: Zone = {
            ("example.org", "NAPTR"): [
                Naptr(50, 60, "s", "SIP+D2U", "udp.example.org."),
                Naptr(50, 50, "S", "sips+d2t", "tls.example.org."),
                Naptr(40, 10, "s", "SIP+D2S", "sctp.example.org."),  # no transport of ours
                Naptr(40, 10, "u", "SIP+D2T", "rewritten.example.org."),  # a regular expression: not for SIP
            ],
            ("tls.example.org", "SRV"): [Srv(0, 0, 5071, "a.example.org.")],
        }
        assert targets(zone, "example.org") == [Target("TLS", "a.example.org", 5071)]

    def test_the_next_transport_where_one_has_no_servers(self) -> None:
        zone: Zone = {
            ("example.org", "NAPTR"): [Naptr(1, 1, "s", "SIP+D2T", "t.x."), Naptr(1, 2, "s", "SIP+D2U", "u.x.")],
            ("u.x", "SRV"): [Srv(0, 0, 5060, "a.x.")],
        }
        assert targets(zone, "example.org") == [Target("UDP", "a.x", 5060)]

    def test_without_naptr_each_transport_is_asked_for(self) -> None:
        zone: Zone = {("_sip._tcp.example.org", "SRV"): [Srv(0, 0, 5062, "a.x")]}
        answer, asked = found(zone, "example.org")
        assert answer == [Target("TCP", "a.x", 5062)]
        assert asked == [
            Question("example.org", "NAPTR"),
            Question("_sip._udp.example.org", "SRV"),
            Question("_sip._tcp.example.org", "SRV"),
        ]

    def test_a_transport_that_was_said_is_the_only_one(self) -> None:
        zone: Zone = {("_sips._tcp.example.org", "SRV"): [Srv(0, 0, 5061, "a.x")]}
        answer, asked = found(zone, "example.org", None, "TLS")
        assert (answer, asked) == ([Target("TLS", "a.x", 5061)], [Question("_sips._tcp.example.org", "SRV")])

    def test_without_any_record_the_name_itself_over_udp(self) -> None:
        assert targets({}, "example.org") == [Target("UDP", "example.org", 5060)]
        assert targets({}, "example.org", None, "TLS") == [Target("TLS", "example.org", 5061)]

    def test_a_host_that_says_it_has_no_sip_has_none(self) -> None:
        assert targets({("_sip._udp.example.org", "SRV"): [Srv(0, 0, 0, ".")]}, "example.org", None, "UDP") == []


class TestOrder:
    """RFC 2782: priority first, then weight by chance."""

    def test_priorities_are_kept(self) -> None:
        records = [Srv(20, 0, 1, "c"), Srv(10, 5, 1, "a"), Srv(10, 0, 1, "b")]
        assert [it.target for it in in_turn(records, lambda most: most)] == ["a", "b", "c"]
        assert [it.target for it in in_turn(records, lambda _: 0)] == ["b", "a", "c"]

    def test_weights_are_shares(self) -> None:
        chance = Random(5)
        records = [Srv(0, 60, 1, "much"), Srv(0, 20, 1, "some"), Srv(0, 20, 1, "more")]
        first = Counter(in_turn(records, lambda most: chance.randint(0, most))[0].target for _ in range(2000))
        assert 0.55 < first["much"] / 2000 < 0.65
        assert 0.15 < first["some"] / 2000 < 0.25

    def test_every_server_comes_once(self) -> None:
        chance = Random(6)
        records = [Srv(number % 3, number % 4, number, f"h{number}") for number in range(20)]
        for _ in range(50):
            ordered = in_turn(records, lambda most: chance.randint(0, most))
            assert sorted(it.port for it in ordered) == list(range(20))
            assert [it.priority for it in ordered] == sorted(it.priority for it in ordered)


class TestSilent:
    """Who gave no answer comes last, for a while."""

    A, B = Target("UDP", "192.0.2.1", 5060), Target("TCP", "192.0.2.1", 5060)

    def test_for_half_a_minute(self) -> None:
        silent = Silent()
        silent.failed(self.A, 100.0)
        assert silent.has(self.A, 129.0)
        assert not silent.has(self.B, 101.0)
        assert not silent.has(self.A, 130.0)

    def test_as_long_as_it_asked_for(self) -> None:
        silent = Silent()
        silent.failed(self.A, 100.0, 120.0)
        assert silent.has(self.A, 219.0)

    def test_until_it_answers(self) -> None:
        silent = Silent()
        silent.failed(self.A, 100.0)
        silent.answered(self.A)
        assert not silent.has(self.A, 101.0)
