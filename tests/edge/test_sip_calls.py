"""Category: integration. What happens in calls over SIP: hold, digits, new media, late offers, races."""

import asyncio
import re
from collections.abc import AsyncIterator

import aiohttp
import pytest

from offhook import Call, Client, Ear, Tone, events
from offhook.edge.server import Platform, start_dev
from offhook.engine.seed import SEEDED
from offhook.media import commands
from offhook.wire.sip_admission import respond
from offhook.wire.sip_dialog import as_uac
from offhook.wire.sip_fields import Fields
from offhook.wire.sip_message import Response, write
from offhook.wire.sip_requests import cancel_of

from .sip_phone import SipCall, SipPhone

JOHN, JANE = SEEDED.identities


@pytest.fixture
async def platform() -> AsyncIterator[Platform]:
    running = await start_dev()
    yield running
    await running.stop()


@pytest.fixture
async def john(platform: Platform) -> AsyncIterator[SipPhone]:
    async with SipPhone(platform, JOHN.login, JOHN.password, "TCP") as phone:
        yield phone


@pytest.fixture
async def jane(platform: Platform) -> AsyncIterator[Client]:
    async with Client(platform.env["OFFHOOK_WS_URL"], login=JANE.login, password=JANE.password) as client:
        await client.ready()
        yield client


class Talk:
    """John, by SIP, has called Jane, who has answered."""

    def __init__(self, sip: SipCall, client: Call, offer: str) -> None:
        self.sip = sip
        self.client = client
        self.offer = offer


async def talking(john: SipPhone, jane: Client, more: Fields = ()) -> Talk:
    coming, port = jane.incoming(), john.port()
    offer = port.offer(["pcmu"], trickle=False)
    call = await john.invite(JANE.login, offer.encode(), more)
    ringing = await anext(coming)
    await ringing.answer(audio=Tone(440))
    port.accept((await call.accepted()).body.decode())
    return Talk(call, ringing, offer)


class TestHold:
    """RFC 3264 section 8.4."""

    async def test_a_reinvite_holds_and_takes_back(self, john: SipPhone, jane: Client) -> None:
        talk = await talking(john, jane)
        for direction in ("sendonly", "sendrecv"):
            offer = talk.offer.replace("a=sendrecv", f"a={direction}")
            answered = await talk.sip.ask("INVITE", body=offer.encode())
            assert answered.status == 200
            assert b"m=audio" in answered.body
        assert (await talk.sip.ask("BYE")).status == 200

    @pytest.mark.parametrize("how", ["sendonly", "inactive", "0.0.0.0"])
    async def test_every_way_of_holding_is_heard_as_music(self, john: SipPhone, jane: Client, how: str) -> None:
        talk, ear = await talking(john, jane), Ear()
        talk.client.attach(ear)
        old = re.sub(r"c=IN IP4 \S+", f"c=IN IP4 {how}", talk.offer)
        held = old if how[0] == "0" else talk.offer.replace("a=sendrecv", f"a={how}")
        assert (await talk.sip.ask("INVITE", body=held.encode())).status == 200
        await ear.hears(lambda sound: sound.level > -50)
        assert (await talk.sip.ask("INVITE", body=talk.offer.encode())).status == 200
        await ear.hears(lambda sound: sound.level < -60)

    async def test_an_update_holds_as_well(self, john: SipPhone, jane: Client) -> None:
        talk = await talking(john, jane)
        held = talk.offer.replace("a=sendrecv", "a=inactive")
        assert (await talk.sip.ask("UPDATE", body=held.encode())).status == 200

    async def test_without_an_offer_what_holds_is_offered_again(self, john: SipPhone, jane: Client) -> None:
        talk = await talking(john, jane)
        assert b"m=audio" in (await talk.sip.ask("INVITE")).body
        assert (await talk.sip.ask("UPDATE")).body == b""

    async def test_what_is_no_description_is_refused(self, john: SipPhone, jane: Client) -> None:
        talk = await talking(john, jane)
        refused = await talk.sip.ask("INVITE", body=b"v=0\r\nm=audio x RTP/AVP 0\r\n")
        assert (refused.status, refused.first("Warning")) == (488, '399 offhook "sdp line 2: port is not 0 to 65535"')
        unusable = await talk.sip.ask("INVITE", body=talk.offer.replace("m=audio", "m=video").encode())
        assert (unusable.status, unusable.first("Warning")) == (488, '305 offhook "Incompatible media format"')
        assert (await talk.sip.ask("OPTIONS")).status == 200


class TestDigits:
    @pytest.mark.parametrize(
        ("kind", "body"),
        [("application/dtmf-relay", b"Signal=5\r\nDuration=160\r\n"), ("application/dtmf", b"5")],
    )
    async def test_info_presses_a_key(self, john: SipPhone, jane: Client, kind: str, body: bytes) -> None:
        talk = await talking(john, jane)
        heard = talk.client.events(events.DigitPressed)
        request = talk.sip.start("INFO", (("Content-Type", kind),))
        assert (await john.response(request)).status == 400  # nothing was pressed
        assert talk.sip.dialog is not None
        talk.sip.dialog, info = talk.sip.dialog.request("INFO", john.via(), (("Content-Type", kind),), body)
        john.send(info)
        assert (await john.response(info)).status == 200
        assert (await anext(heard)).digit == "5"

    async def test_another_info_is_refused_with_what_is_understood(self, john: SipPhone, jane: Client) -> None:
        talk = await talking(john, jane)
        refused = await talk.sip.ask("INFO", (("Content-Type", "text/plain"),))
        assert (refused.status, refused.first("Accept")) == (415, "application/dtmf-relay, application/dtmf")


class TestRaces:
    """Case SIP-14."""

    async def test_a_request_of_a_call_that_is_over_belongs_nowhere(self, john: SipPhone, jane: Client) -> None:
        talk = await talking(john, jane)
        assert (await talk.sip.ask("BYE")).status == 200
        assert (await talk.sip.ask("BYE")).status == 481

    async def test_an_older_request_is_refused(self, john: SipPhone, jane: Client) -> None:
        talk = await talking(john, jane)
        assert talk.sip.dialog is not None
        _, old = talk.sip.dialog.request("OPTIONS", john.via(), sequence=talk.sip.dialog.local_sequence)
        john.send(old)
        assert (await john.response(old)).status == 500

    async def test_an_invite_that_comes_again_makes_no_second_call(self, john: SipPhone, jane: Client) -> None:
        coming = jane.incoming()
        call = await john.invite(JANE.login, john.port().offer(["pcmu"], trickle=False).encode())
        ringing = await anext(coming)
        await call.heard(180)
        for _ in range(7):
            john.send(call.invite)
        await ringing.answer(audio=Tone(440))
        assert (await call.accepted()).status == 200
        assert len(jane.calls) == 1

    async def test_an_offer_beside_one_that_is_not_acknowledged_is_glare(self, john: SipPhone, jane: Client) -> None:
        coming, port = jane.incoming(), john.port()
        call = await john.invite(JANE.login, port.offer(["pcmu"], trickle=False).encode())
        await (await anext(coming)).answer(audio=Tone(440))
        response = await john.response(call.invite)
        call.acknowledge(response)
        port.accept(response.body.decode())
        first = call.start("INVITE", body=port.reoffer().encode())
        second = call.start("INVITE")
        statuses = {(await john.response(first)).status, (await john.response(second)).status}
        assert 200 in statuses
        assert statuses & {491, 500}

    async def test_a_call_that_is_answered_is_not_cancelled(self, john: SipPhone, jane: Client) -> None:
        talk = await talking(john, jane)
        john.send(cancel_of(talk.sip.invite))
        assert (await talk.sip.ask("OPTIONS")).status == 200


class TestLateOffer:
    async def test_the_offer_comes_with_the_answer_of_the_call(self, john: SipPhone, jane: Client) -> None:
        coming, port = jane.incoming(), john.port()
        call = await john.invite(JANE.login, b"")
        await (await anext(coming)).answer(audio=Tone(440))
        response = await john.response(call.invite)
        answer = port.answer(response.body.decode(), ["pcmu"], trickle=False)
        call.acknowledge(response, answer.encode())
        async with asyncio.timeout(10):
            await john.media_up.wait()
        assert (await call.ask("BYE")).status == 200


class TestReliableProvisionals:
    """RFC 3262."""

    async def test_each_is_acknowledged_before_the_next(self, john: SipPhone, jane: Client) -> None:
        coming, port = jane.incoming(), john.port()
        offer = port.offer(["pcmu"], trickle=False)
        call = await john.invite(JANE.login, offer.encode(), (("Require", "100rel"),))
        ringing = await anext(coming)
        first = await john.response(call.invite, 101)
        await acknowledge(call, first)
        second = await john.response(call.invite, 101)
        assert {first.status, second.status} == {180, 183}
        assert int(second.one("RSeq")) == int(first.one("RSeq")) + 1
        await acknowledge(call, second)
        await ringing.answer(audio=Tone(440))
        assert (await call.accepted()).status == 200


async def acknowledge(call: SipCall, response: Response) -> None:
    """Acknowledge a reliable response, after a PRACK of something else."""
    if call.dialog is None:
        call.dialog = as_uac(call.invite, response)
    sequence, cseq = response.one("RSeq"), response.one("CSeq")
    assert (await call.ask("PRACK", (("RAck", f"9{sequence} {cseq}"),))).status == 481
    assert (await call.ask("PRACK", (("RAck", f"{sequence} {cseq}"),))).status == 200


class TestCalled:
    async def test_the_answer_of_a_second_far_end_is_ended(self, platform: Platform) -> None:
        """A proxy has forked the INVITE, and both answered (RFC 3261 section 13.2.2.4)."""
        async with (
            SipPhone(platform, JANE.login, JANE.password, "TCP") as jane,
            Client(platform.env["OFFHOOK_WS_URL"], login=JOHN.login, password=JOHN.password) as john,
        ):
            await jane.register()
            await john.ready()
            dialling = await john.new_call(JANE.login, audio=Tone(440))
            call, port = await jane.called(), jane.port()
            answer = port.answer(call.invite.body.decode(), ["pcmu"], trickle=False).encode()
            call.respond(200, answer)
            await jane.request("ACK")
            await dialling.answered()
            fork = SipCall(jane, call.invite)
            fork.respond(200, answer)
            await jane.request("ACK")
            assert fork.dialog is not None
            assert (await jane.request("BYE")).to.tag == fork.tag
            call.respond(200, answer)  # a copy is acknowledged once more
            assert (await jane.request("ACK")).to.tag == call.tag

    @pytest.mark.parametrize("reliably", [(), (("Require", "100rel"), ("RSeq", "1"))], ids=["told once", "reliably"])
    async def test_early_media_are_heard_in_place_of_ringback(self, platform: Platform, reliably: Fields) -> None:
        async with (
            SipPhone(platform, JANE.login, JANE.password, "TCP") as jane,
            Client(platform.env["OFFHOOK_WS_URL"], login=JOHN.login, password=JOHN.password) as john,
        ):
            await jane.register()
            await john.ready()
            dialling, ear = await john.new_call(JANE.login, audio=Tone(440)), Ear()
            dialling.attach(ear)
            call, port = await jane.called(), jane.port()
            answer = port.answer(call.invite.body.decode(), ["pcmu"], trickle=False).encode()
            jane.core.send(commands.Play(port.number, 1, commands.Tones([commands.Tone([700], 1000)]), loop=0))
            call.respond(183, answer, reliably)
            if reliably:
                jane.send(respond(await jane.request("PRACK"), 200, ""))
            await ear.hears_tone(700)
            assert dialling.state == "early"
            call.respond(200, b"" if reliably else answer)
            await jane.request("ACK")
            await dialling.answered()
            await ear.hears_tone(700)
            await dialling.hangup()

    async def test_whoever_answers_is_heard_though_another_was_early(self, platform: Platform) -> None:
        """A proxy has forked the INVITE: the early media of one branch, the answer of another."""
        async with (
            SipPhone(platform, JANE.login, JANE.password, "TCP") as jane,
            Client(platform.env["OFFHOOK_WS_URL"], login=JOHN.login, password=JOHN.password) as john,
        ):
            await jane.register()
            await john.ready()
            dialling, ear = await john.new_call(JANE.login, audio=Tone(440)), Ear()
            dialling.attach(ear)
            call = await jane.called()
            fork = SipCall(jane, call.invite)
            for side, hz, status in ((call, 700, 183), (fork, 900, 200)):
                port = jane.port()
                answer = port.answer(call.invite.body.decode(), ["pcmu"], trickle=False).encode()
                jane.core.send(commands.Play(port.number, 1, commands.Tones([commands.Tone([hz], 1000)]), loop=0))
                side.respond(status, answer)
                await ear.hears_tone(hz)
                port.close()
            await dialling.answered()
            await dialling.hangup()

    async def test_reliable_ringing_is_acknowledged(self, platform: Platform) -> None:
        async with (
            SipPhone(platform, JANE.login, JANE.password, "UDP") as jane,
            Client(platform.env["OFFHOOK_WS_URL"], login=JOHN.login, password=JOHN.password) as john,
        ):
            await jane.register()
            await john.ready()
            await john.new_call(JANE.login, audio=Tone(440))
            call = await jane.called()
            call.respond(180, more=(("Require", "100rel"), ("RSeq", "17")))
            prack = await jane.request("PRACK")
            assert prack.one("RAck") == f"17 {call.invite.one('CSeq')}"
            jane.send(respond(prack, 200, ""))
            call.respond(486)

    async def test_whoever_wants_to_stay_unknown_does(self, platform: Platform) -> None:
        """RFC 3323."""
        async with (
            SipPhone(platform, JANE.login, JANE.password, "TCP") as jane,
            SipPhone(platform, JOHN.login, JOHN.password, "TCP") as john,
        ):
            await jane.register()
            await john.invite(JANE.login, john.port().offer(["pcmu"], trickle=False).encode(), (("Privacy", "id"),))
            call = await jane.called()
            assert JOHN.login not in write(call.invite).decode()
            assert "<sip:anonymous@anonymous.invalid>" in call.invite.one("From")
            call.respond(486)

    async def test_a_description_among_other_parts_is_found(self, platform: Platform) -> None:
        """RFC 5621."""
        async with (
            SipPhone(platform, JANE.login, JANE.password, "TCP") as jane,
            SipPhone(platform, JOHN.login, JOHN.password, "TCP") as john,
        ):
            await jane.register()
            offer = john.port().offer(["pcmu"], trickle=False)
            note = "--cut\r\nContent-Type: text/plain\r\n\r\nhi\r\n"
            body = f"{note}--cut\r\nContent-Type: application/sdp\r\n\r\n{offer}\r\n--cut--\r\n".encode()
            typed = (("Contact", john.contact), ("Content-Type", 'multipart/mixed;boundary="cut"'))
            request = john.new("INVITE", f"sip:{JANE.login}@{john.domain}", typed, body)
            john.send(request)
            proved = john.proving(request, await john.response(request))
            john.send(proved)
            (await jane.called()).respond(486)
            assert (await john.response(proved)).status == 486

    async def test_identity_and_headers_are_passed_on(self, platform: Platform) -> None:
        async with (
            SipPhone(platform, JANE.login, JANE.password, "TCP") as jane,
            SipPhone(platform, JOHN.login, JOHN.password, "TCP") as john,
        ):
            await jane.register()
            more = (("X-Ticket", "42"), ("User-to-User", "56a390f3;encoding=hex"), ("Subject", "not theirs"))
            calling = await john.invite(JANE.login, john.port().offer(["pcmu"], trickle=False).encode(), more)
            call = await jane.called()
            assert call.invite.first("X-Ticket") == "42"
            assert call.invite.first("User-to-User") == "56a390f3;encoding=hex"
            assert call.invite.first("Subject") is None
            assert f"<sip:{JOHN.login}@" in call.invite.one("P-Asserted-Identity")
            call.respond(603)
            refused = await john.response(calling.invite)
            assert refused.status == 603
            assert b"Reason: Q.850;cause=21" in write(refused)


async def test_the_owner_sees_what_is_held(platform: Platform, john: SipPhone, jane: Client) -> None:
    async def held() -> dict[str, int]:
        async with (
            aiohttp.ClientSession() as http,
            http.get(f"{platform.env['OFFHOOK_CONSOLE_URL']}_offhook/held") as response,
        ):
            return await response.json()

    before = await held()
    talk = await talking(john, jane)
    during = await held()
    assert (during["legs"], during["sip_calls"]) == (2, 1)
    assert during["sip_transactions"] > before["sip_transactions"]
    assert (await talk.sip.ask("BYE")).status == 200
    await talk.client.ended()
    after = await held()
    assert (after["legs"], after["sip_calls"], after["sip_contacts"]) == (0, 0, before["sip_contacts"])
