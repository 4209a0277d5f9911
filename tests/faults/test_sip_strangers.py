"""Category: faults. What strangers may do at SIP's door: cases SIP-01, SIP-02, SIP-04, SIP-05, SIP-07, SIP-09, SIP-10,
SIP-17 and SIP-18."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from tests.edge.sip_phone import SipPhone, Transport
from tests.wire.torture import ALLOWED, MESSAGES

from offhook.edge.parts import SipSettings
from offhook.edge.server import Platform, start_dev
from offhook.engine.seed import SEEDED
from offhook.wire.digest import Algorithm, choose, parse_challenge, respond_to
from offhook.wire.sip_message import Request, Response, write
from offhook.wire.sip_requests import ack_of

JOHN, JANE = SEEDED.identities
# Where they end nobody knows, or what follows in them is no message: a connection is closed after them.
ENDLESS = {"inv2543", "ncl", "mcl01", "bigcode", "dblreq", "baddn"}
LACKING = "clerr"  # what comes next is taken for the rest of its body


@pytest.fixture
async def platform() -> AsyncIterator[Platform]:
    running = await start_dev()
    yield running
    await running.stop()


def sip(platform: Platform, transport: Transport = "UDP", user: str = JOHN.login, password: str = "") -> SipPhone:
    return SipPhone(platform, user, password or JOHN.password, transport)


async def is_awake(phone: SipPhone) -> bool:
    """Whether a plain OPTIONS is answered; what else came is kept in `unread`."""
    options = phone.new("OPTIONS", f"sip:{phone.domain}")
    phone.send(options)
    return (await phone.response(options)).status == 407


class TestTorture:
    """Cases SIP-01 and SIP-02. Nobody has proved who he is, so that what could be used is challenged."""

    @pytest.mark.parametrize("name", ALLOWED)
    async def test_over_udp(self, platform: Platform, name: str) -> None:
        async with sip(platform) as phone:
            phone.send(MESSAGES[name])
            assert await is_awake(phone)
            assert_allowed(name, phone.unread)

    async def test_all_over_one_connection_after_another(self, platform: Platform) -> None:
        for name, octets in MESSAGES.items():
            async with sip(platform, "TCP") as phone:
                phone.send(octets)
                if name == LACKING:
                    continue
                awake = asyncio.create_task(is_awake(phone))
                closed = asyncio.create_task(phone.lost.wait())
                await asyncio.wait((awake, closed), return_when="FIRST_COMPLETED")
                assert closed.done() is (name in ENDLESS)
                if name not in ENDLESS:
                    assert_allowed(name, phone.unread)
                for task in (awake, closed):
                    task.cancel()
                await asyncio.gather(awake, closed, return_exceptions=True)

    async def test_all_over_one_websocket(self, platform: Platform) -> None:
        """Each of its messages is one of SIP, so that none is without an end."""
        async with sip(platform, "WS") as phone:
            for name, octets in MESSAGES.items():
                phone.send(octets)
                assert await is_awake(phone), name
                assert_allowed(name, phone.unread)
                phone.unread.clear()

    async def test_a_thousand_times(self, platform: Platform) -> None:
        async with sip(platform) as phone:
            for _ in range(20):
                for octets in MESSAGES.values():
                    phone.send(octets)
                assert await is_awake(phone)
                phone.unread.clear()


def assert_allowed(name: str, came: list[Request | Response]) -> None:
    statuses = {message.status for message in came if isinstance(message, Response)}
    allowed = {each for each in ALLOWED[name] if isinstance(each, int)}
    assert not [message for message in came if isinstance(message, Request)]
    if "drop" in ALLOWED[name] and not statuses:
        return
    # What is fit to be used is challenged first; with credentials the answer is of those that are allowed.
    assert statuses <= allowed | {401, 407, 481, 483}, (name, statuses, allowed)


class TestKnownAttacks:
    """Case SIP-04: what other servers fell over."""

    async def test_each_is_answered_and_nothing_falls(self, platform: Platform) -> None:
        async with sip(platform) as phone:
            long = phone.new("OPTIONS", f"sip:{phone.domain}")
            phone.send(write(long).replace(b"CSeq: 1 OPTIONS", b"CSeq: 0 " + 400 * b"A"))
            accepts = tuple(("Accept", "A" * 120) for _ in range(50))
            phone.send(phone.new("SUBSCRIBE", f"sip:john1234@{phone.domain}", accepts))
            tagged = write(phone.new("REGISTER", f"sip:{phone.domain}")).replace(b";tag=t", b";tag=" + 190 * b"t")
            phone.send(tagged)
            message = ("Content-Type", "multipart/mixed;boundary=")
            phone.send(phone.new("NOTIFY", f"sip:john1234@{phone.domain}", (message,), b"--\n\n\n" + 600 * b"x"))
            assert await is_awake(phone)
            assert {message.status for message in phone.unread if isinstance(message, Response)} <= {400, 401, 407}


class TestConnections:
    """Case SIP-05."""

    async def test_calls_of_connections_that_break_leave_nothing(self, platform: Platform) -> None:
        for _ in range(50):
            async with sip(platform, "TCP") as phone:
                for _ in range(10):
                    phone.send(phone.new("INVITE", f"sip:{JANE.login}@{phone.domain}", (("Contact", phone.contact),)))
        async with sip(platform, "TCP") as phone:
            assert await is_awake(phone)


class TestWithoutCredentials:
    """Case SIP-07."""

    @pytest.mark.parametrize("method", ["MESSAGE", "SUBSCRIBE", "PUBLISH", "NOTIFY", "INVITE", "REFER", "OPTIONS"])
    async def test_nothing_reaches_a_registered_user(self, platform: Platform, method: str) -> None:
        async with sip(platform, "TCP", JANE.login, JANE.password) as jane, sip(platform, "TCP") as stranger:
            await jane.register()
            stranger.user = "911"
            request = stranger.new(method, f"sip:{JANE.login}@{jane.domain}", (("Event", "dialog"),))
            stranger.send(request)
            assert (await stranger.response(request)).status == 407
            assert await is_awake(jane)
            assert jane.unread == []

    @pytest.mark.parametrize(("method", "status"), [("MESSAGE", 405), ("SUBSCRIBE", 489), ("PUBLISH", 489)])
    async def test_whoever_proves_himself_is_told_that_it_is_not_there(
        self, platform: Platform, method: str, status: int
    ) -> None:
        async with sip(platform, "TCP") as john:
            _, response = await john.ask(john.new(method, f"sip:{JANE.login}@{john.domain}"))
            assert response.status == status


class TestDigest:
    """Case SIP-09."""

    async def test_both_algorithms_are_asked_for_and_either_is_taken(self) -> None:
        platform = await start_dev(sip=SipSettings(algorithms=(Algorithm.SHA256, Algorithm.MD5)))
        async with sip(platform, "TCP") as john:
            request = john.new("REGISTER", f"sip:{john.domain}", to=f"<sip:{john.user}@{john.domain}>")
            john.send(request)
            challenged = await john.response(request)
            asked = [parse_challenge(value) for value in challenged.every("WWW-Authenticate")]
            assert [each.algorithm for each in asked if each] == [Algorithm.SHA256, Algorithm.MD5]
            for algorithm in Algorithm:
                chosen = choose([each for each in asked if each and each.algorithm is algorithm])
                assert chosen is not None
                count = list(Algorithm).index(algorithm) + 1
                proof = respond_to(chosen, john.user, john.password, "REGISTER", request.uri, "abc", count)
                again = john.new("REGISTER", request.uri, (("Authorization", str(proof)),), to=request.one("To"))
                john.send(again)
                assert (await john.response(again)).status == 200
                # What was said once proves nothing any more, for this request or another.
                replay = john.new("REGISTER", request.uri, (("Authorization", str(proof)),), to=request.one("To"))
                john.send(replay)
                refused = await john.response(replay)
                assert refused.status == 401
                assert "stale" not in "".join(refused.every("WWW-Authenticate"))
        await platform.stop()

    async def test_a_proof_is_for_one_method_and_uri(self, platform: Platform) -> None:
        async with sip(platform, "TCP") as john:
            request = john.new("OPTIONS", f"sip:{john.domain}")
            john.send(request)
            proved = john.proving(request, await john.response(request))
            stolen = proved.one("Proxy-Authorization")
            for method, uri in (("INVITE", f"sip:{john.domain}"), ("OPTIONS", f"sip:{JANE.login}@{john.domain}")):
                other = john.new(method, uri, (("Proxy-Authorization", stolen),))
                john.send(other)
                assert (await john.response(other)).status == 407

    @pytest.mark.parametrize("name", ["a\0b", 'a\\"b', "a\\\\b", "' OR 1=1 --"])
    async def test_strange_names_are_nobodys(self, platform: Platform, name: str) -> None:
        async with sip(platform, "TCP") as john:
            john.user = name
            request = john.new("OPTIONS", f"sip:{john.domain}", to=f"<sip:{john.domain}>")
            fields = [field for field in request.fields if field[0] != "From"]
            plain = Request(method="OPTIONS", uri=request.uri, fields=(("From", "<sip:x@y>;tag=1"), *fields))
            _, response = await john.ask(plain)
            assert response.status in (400, 407)


class TestHijacking:
    """Case SIP-10."""

    async def test_nobody_registers_for_another_or_too_much(self, platform: Platform) -> None:
        async with sip(platform, "TCP") as john:
            assert (await john.register(to=f"<sip:{JANE.login}@{john.domain}>")).status == 403
            many = [f"<sip:john@192.0.2.1:{port}>" for port in range(1, 100)]
            assert (await john.register(*many)).status == 403
            assert (await john.register("*", expires=3600)).status == 400

    @pytest.mark.parametrize("contact", ["<sip:x@127.0.0.1:{http}>", "<sip:x@{sip}>", "<sip:x@255.255.255.255>"])
    async def test_a_call_goes_to_who_registered_whatever_the_contact_says(
        self, platform: Platform, contact: str
    ) -> None:
        http = platform.env["OFFHOOK_WS_URL"].rpartition(":")[2]
        where = contact.format(http=http, sip=platform.env["OFFHOOK_SIP_ADDRESS"])
        async with sip(platform, "UDP", JANE.login, JANE.password) as jane, sip(platform, "TCP") as john:
            await jane.register(where)
            await john.invite(JANE.login, john.port().offer(["pcmu"], trickle=False).encode())
            called = await jane.called()
            assert called.invite.uri == where.strip("<>")
            called.respond(486)


class TestAmplification:
    """Case SIP-17."""

    @pytest.mark.parametrize("method", ["INVITE", "OPTIONS", "REGISTER"])
    async def test_a_stranger_gets_at_most_twice_what_it_sent_and_once(self, platform: Platform, method: str) -> None:
        async with sip(platform) as phone:
            request = Request(
                method=method,
                uri="sip:a@b",
                fields=(
                    ("Via", f"SIP/2.0/UDP {phone.local[0]}:{phone.local[1]};branch=z9hG4bK1"),
                    ("From", "<sip:a@b>;tag=1"), ("To", "<sip:a@b>"), ("Call-ID", "1"), ("CSeq", f"1 {method}"),
                    ("Subject", "x" * 30),
                ),
            )  # fmt: skip
            phone.send(request)
            assert await is_awake(phone)
            answers = [message for message in phone.unread if isinstance(message, Response)]
            assert len(answers) <= 1
            assert sum(len(write(each)) for each in answers) <= 2 * len(write(request))
            await asyncio.sleep(0)
            assert await is_awake(phone)


class TestScanning:
    """Case SIP-18."""

    @pytest.mark.parametrize("method", ["REGISTER", "INVITE", "OPTIONS"])
    async def test_users_who_exist_and_who_do_not_are_answered_alike(self, platform: Platform, method: str) -> None:
        async with sip(platform, "TCP") as scanner:
            seen: list[list[tuple[int, list[str]]]] = []
            for name in (JANE.login, "nobody-at-all"):
                scanner.user, scanner.password = name, "wrong"
                request = scanner.new(method, f"sip:{name}@{scanner.domain}")
                scanner.send(request)
                first = await scanner.response(request)
                if method == "INVITE":
                    scanner.send(ack_of(request, first))
                proved = scanner.proving(request, first)
                scanner.send(proved)
                second = await scanner.response(proved)
                seen.append([(each.status, [field[0] for field in each.fields]) for each in (first, second)])
            assert seen[0] == seen[1]

    async def test_a_source_that_guesses_gets_no_answers_and_others_there_are_let_in(self, platform: Platform) -> None:
        async with sip(platform, "TCP") as scanner, sip(platform, "TCP") as john:
            for number in range(25):
                scanner.user, scanner.password = f"user{number}", "1234"
                request = scanner.new("REGISTER", f"sip:{scanner.domain}")
                scanner.send(request)
                scanner.send(scanner.proving(request, await scanner.response(request)))
            assert (await john.register()).status == 200
            answered = [each for each in scanner.unread if isinstance(each, Response)]
            assert len(answered) < 20

    async def test_a_name_that_is_guessed_at_is_blocked_from_there_alone(self, platform: Platform) -> None:
        async with sip(platform, "TCP") as scanner:
            scanner.user, scanner.password = JANE.login, "1234"
            statuses = [(await scanner.register()).status for _ in range(11)]
            assert statuses == [401] * 10 + [403]
            scanner.password = JANE.password
            assert (await scanner.register()).status == 403
