"""Category: faults. Hostile and broken clients at the browser SDK's door, over real sockets and in turned time.

The classes are named after the cases that they cover.
"""

import asyncio
import json
from typing import Any

import pytest
import structlog

from offhook.edge.origin import OriginPolicy
from offhook.edge.rtc import MAX_MESSAGE
from offhook.edge.rtc_writer import MAX_QUEUED
from offhook.engine.ports import Headers, Invitation
from offhook.testing.clock import run
from offhook.voice.cause import ending

from .open_door import IDS, SDP, Notebook, OpenDoor, open_door
from .raw_socket import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, RawSocket, frame, header

INVITE = {"sdp": SDP, "dialogParams": {"callID": "call-1", "destination_number": "bob"}}


def at_door(scene: Any, policy: OriginPolicy | None = None) -> Notebook:
    """Play `scene(door, notebook)` in turned time; returns what the exchange was asked."""
    notebook = Notebook()

    async def play() -> None:
        async with open_door(notebook, policy) as door:
            await scene(door, notebook)

    run(play())
    return notebook


class TestWS01DepthBombs:
    """Case WS-01."""

    def test_nesting_is_an_error_and_nothing_more(self) -> None:
        async def scene(door: OpenDoor, _: Notebook) -> None:
            honest = await door.logged_in()
            bombs = ("[" * 100_000 + "]" * 100_000, '{"id":1,"method":"login","params":' + '{"a":' * 40_000)
            for bomb in bombs:
                async with await door.upgraded() as raw:
                    raw.send(frame(bomb))
                    assert (await raw.hear())["error"]["code"] == -32700
                    assert await raw.pong()
            async with await door.upgraded() as raw:
                raw.send(frame("[" * 1024 * 1024))
                assert await raw.close_code() == 1009
            assert await honest.pong()

        with structlog.testing.capture_logs() as logs:
            at_door(scene)
        assert not [entry for entry in logs if "exc_info" in entry]


class TestWS02Size:
    """Case WS-02."""

    @pytest.mark.parametrize("length", [MAX_MESSAGE + 1, 2**63 - 1, 2**64 - 1])
    def test_a_header_that_announces_too_much_is_enough(self, length: int) -> None:
        async def scene(door: OpenDoor, _: Notebook) -> None:
            async with await door.upgraded() as raw:
                raw.send(header(length))
                assert await raw.close_code() == 1009

        at_door(scene)

    def test_the_limit_itself_is_allowed(self) -> None:
        async def scene(door: OpenDoor, _: Notebook) -> None:
            async with await door.upgraded() as raw:
                raw.send(frame("x" * MAX_MESSAGE))
                assert (await raw.hear())["error"]["code"] == -32700

        at_door(scene)

    def test_fragments_count_together(self) -> None:
        async def scene(door: OpenDoor, _: Notebook) -> None:
            async with await door.upgraded() as raw:
                raw.send(frame("x" * 26, fin=False))
                for _ in range(MAX_MESSAGE // 26 + 1):
                    raw.send(frame("x" * 26, CONTINUATION, fin=False))
                assert await raw.close_code() == 1009

        at_door(scene)


class TestWS03Compression:
    """Case WS-03."""

    def test_it_is_offered_and_not_taken(self) -> None:
        async def scene(door: OpenDoor, _: Notebook) -> None:
            async with await door.socket().connect() as raw:
                offer = "permessage-deflate; client_max_window_bits"
                assert await raw.upgrade(Sec_WebSocket_Extensions=offer) == 101
                assert "extensions" not in raw.response.lower()
                raw.send(frame(b"\x00" * 64, rsv=0x40))
                assert await raw.close_code() == 1002

        at_door(scene)


class TestWS04Sloths:
    """Case WS-04."""

    def test_each_is_let_go_in_its_time_and_an_honest_client_gets_in(self) -> None:
        async def scene(door: OpenDoor, _: Notebook) -> None:
            loop = asyncio.get_running_loop()
            silent = await door.socket().connect()
            dripping = await door.socket().connect()
            stranger = await door.upgraded()
            dripped = asyncio.create_task(drip(dripping))
            assert await silent.gone()
            assert loop.time() == pytest.approx(10.0, abs=1.0)
            assert await dripping.gone()
            assert loop.time() == pytest.approx(10.0, abs=1.0)
            dripped.cancel()
            assert await (await door.logged_in()).pong()
            assert await stranger.close_code() == 1008
            assert loop.time() == pytest.approx(30.0, abs=1.0)

        async def drip(raw: RawSocket) -> None:
            for byte in b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n":
                raw.send(bytes([byte]))
                await asyncio.sleep(0.9)  # turned time

        at_door(scene)

    def test_a_client_that_says_nothing_is_dead_after_a_minute_and_leaves_the_exchange(self) -> None:
        async def scene(door: OpenDoor, notebook: Notebook) -> None:
            raw = await door.logged_in()
            assert len(notebook.far_ends) == 1
            assert await raw.close_code() == 1001
            assert asyncio.get_running_loop().time() == pytest.approx(60.0, abs=1.0)
            raw.send(frame(b"\x03\xe9", CLOSE))
            assert await raw.gone()
            await settled(lambda: not notebook.far_ends)

        at_door(scene)


class TestWS05SlowConsumer:
    """Case WS-05."""

    def test_a_full_queue_costs_that_client_its_socket_and_nobody_else_anything(self) -> None:
        async def scene(door: OpenDoor, notebook: Notebook) -> None:
            slow = await door.logged_in("slow", receive_buffer=4096)
            honest = await door.logged_in("honest")
            to_slow, to_honest = notebook.far_ends.values()
            sent = 0
            while len(notebook.far_ends) == 2:
                to_slow.invite(f"call-{sent}", invitation("x" * 50_000))
                sent += 1
                assert sent * 50_000 < MAX_QUEUED + 8 * 1024 * 1024  # what the kernel takes for a socket
                await asyncio.sleep(0)
            to_honest.invite("call", invitation())
            while (await honest.hear())["method"] != "telnyx_rtc.invite":
                pass
            assert await honest.pong()
            assert await slow.gone()

        with structlog.testing.capture_logs() as logs:
            at_door(scene)
        dropped = [entry for entry in logs if entry["event"] == "rtc.dropped"]
        assert [(entry["binding"], entry["why"]) for entry in dropped] == [("binding-0", "send queue is full")]

    def test_thirty_seconds_without_reading_are_enough(self) -> None:
        async def scene(door: OpenDoor, notebook: Notebook) -> None:
            slow = await door.logged_in("slow", receive_buffer=4096)
            (far_end,) = notebook.far_ends.values()
            number = 0
            while not door.door.queued():  # the kernel takes the first megabytes
                far_end.invite(f"call-{number}", invitation("x" * 50_000))
                await asyncio.sleep(0)
                number += 1
            while notebook.far_ends:
                slow.ask(id="alive", method="telnyx_rtc.ping")
                await asyncio.sleep(1.0)  # turned time
            assert asyncio.get_running_loop().time() <= 46.0

        with structlog.testing.capture_logs() as logs:
            at_door(scene)
        assert [entry["why"] for entry in logs if entry["event"] == "rtc.dropped"] == ["nothing read for 30 s"]

    def test_a_dead_client_that_does_not_even_read_its_close_is_gone_all_the_same(self) -> None:
        async def scene(door: OpenDoor, notebook: Notebook) -> None:
            await door.logged_in("slow", receive_buffer=4096)
            (far_end,) = notebook.far_ends.values()
            await asyncio.sleep(50.0)  # turned time: silence kills at 60, before a stuck queue would
            number = 0
            while not door.door.queued():
                far_end.invite(f"call-{number}", invitation("x" * 50_000))
                await asyncio.sleep(0)
                number += 1
            await settled(lambda: not notebook.far_ends)
            assert asyncio.get_running_loop().time() <= 72.0

        with structlog.testing.capture_logs() as logs:
            at_door(scene)
        assert [entry["why"] for entry in logs if entry["event"] == "rtc.closed"] == ["nothing heard"]


class TestWS06Origin:
    """Case WS-06."""

    @pytest.mark.parametrize(
        ("headers", "status"),
        [
            ({}, 101),
            ({"Origin": "http://127.0.0.1:3000"}, 101),
            ({"Origin": "https://localhost"}, 101),
            ({"Origin": "http://[::1]:8080"}, 101),
            ({"Origin": "https://evil.example"}, 403),
            ({"Origin": "https://localhost.evil.example"}, 403),
            ({"Origin": "null"}, 403),
            ({"Origin": "file://"}, 403),
            ({"Host": "evil.example"}, 403),
            ({"Host": "localhost:9700"}, 101),
            ({"Host": "127.0.0.1.evil.example"}, 403),
        ],
    )
    def test_dev_admits_only_this_machine(self, headers: dict[str, str], status: int) -> None:
        async def scene(door: OpenDoor, _: Notebook) -> None:
            async with await door.socket().connect() as raw:
                assert await raw.upgrade(**headers) == status

        at_door(scene)

    @pytest.mark.parametrize(
        ("programs", "headers", "status"),
        [
            (True, {}, 101),
            (False, {}, 403),
            (True, {"Origin": "https://app.example"}, 101),
            (True, {"Origin": "https://evil.example"}, 403),
            (True, {"Origin": "null"}, 403),
        ],
    )
    def test_a_list_admits_its_pages(self, programs: bool, headers: dict[str, str], status: int) -> None:
        async def scene(door: OpenDoor, _: Notebook) -> None:
            async with await door.socket().connect() as raw:
                assert await raw.upgrade(**headers) == status

        at_door(scene, OriginPolicy.listed(["https://app.example"], programs=programs))

    def test_a_refused_upgrade_authenticates_nobody(self) -> None:
        async def scene(door: OpenDoor, _: Notebook) -> None:
            async with await door.socket().connect() as raw:
                assert await raw.upgrade(Origin="https://evil.example", Cookie="session=1") == 403

        assert at_door(scene).contacts == []


class TestWS09Guessing:
    """Case WS-09."""

    def test_known_and_unknown_names_get_the_same_answer(self) -> None:
        async def scene(door: OpenDoor, _: Notebook) -> None:
            async with await door.upgraded() as raw:
                known = await raw.log_in("alice", "wrong")
                unknown = await raw.log_in("nobody", "wrong")
                assert known["error"] == unknown["error"] == {"code": -32001, "message": "Login Incorrect"}

        at_door(scene)

    def test_ten_failures_block_this_user_from_this_source_for_a_minute(self) -> None:
        async def scene(door: OpenDoor, _: Notebook) -> None:
            for _ in range(2):
                async with await door.upgraded() as raw:
                    for _ in range(5):
                        await raw.log_in("alice", "wrong")
            async with await door.upgraded() as raw:
                blocked = await raw.log_in("alice", "right")
                assert blocked["error"]["code"] == -32001
                assert "try again" in blocked["error"]["message"]
                assert "result" in await raw.log_in("bob", "right")
            assert await (await door.logged_in("alice", source="127.0.0.2")).pong()  # no lock-out of the victim
            await asyncio.sleep(61.0)  # turned time
            assert await (await door.logged_in("alice")).pong()

        at_door(scene)

    def test_ten_failures_end_the_socket(self) -> None:
        async def scene(door: OpenDoor, _: Notebook) -> None:
            async with await door.upgraded() as raw:
                for number in range(10):
                    assert (await raw.log_in(f"user-{number}", "wrong"))["error"]["code"] == -32001
                assert await raw.close_code() == 1008

        at_door(scene)

    def test_strangers_are_refused_where_no_target_is_registered(self) -> None:
        async def scene(door: OpenDoor, _: Notebook) -> None:
            async with await door.upgraded() as raw:
                raw.ask(id=1, method="anonymous_login", params={"target_type": "ai_assistant", "target_id": "a"})
                assert (await raw.answer_to(1))["error"]["code"] == -32001

        at_door(scene)


class TestWS10Envelopes:
    """Case WS-10."""

    def test_the_socket_survives_all_of_them(self) -> None:
        frames = [
            '{"id":1.5,"method":"telnyx_rtc.ping"}',
            '{"id":null,"method":"telnyx_rtc.ping"}',
            '{"id":{},"method":"telnyx_rtc.ping"}',
            '{"id":"' + "x" * 10_240 + '","method":"telnyx_rtc.ping"}',
            '{"id":1,"method":"telnyx_rtc.invite","params":[]}',
            '{"id":1,"method":7}',
            '{"id":"nobody asked","result":{}}',
            '{"id":2,"method":"login","method":"telnyx_rtc.bye"}',
            "#SPU 1024",
            "not JSON",
        ]

        async def scene(door: OpenDoor, _: Notebook) -> None:
            async with await door.logged_in() as raw:
                for text in frames:
                    raw.send(frame(text))
                assert await raw.pong()

        at_door(scene)

    def test_a_binary_frame_is_not_understood(self) -> None:
        async def scene(door: OpenDoor, _: Notebook) -> None:
            async with await door.upgraded() as raw:
                raw.send(frame(b"\x00", BINARY))
                assert await raw.close_code() == 1003

        at_door(scene)


class TestWS11Text:
    """Case WS-11."""

    @pytest.mark.parametrize("text", [b"\xff", b'{"id":1,"method":"\xc3\x28"}', b"\xed\xa0\x80"])
    def test_what_is_not_utf8_closes_with_1007(self, text: bytes) -> None:
        async def scene(door: OpenDoor, _: Notebook) -> None:
            async with await door.upgraded() as raw:
                raw.send(frame(text))
                assert await raw.close_code() == 1007

        at_door(scene)

    def test_no_line_end_reaches_the_exchange(self) -> None:
        async def scene(door: OpenDoor, _: Notebook) -> None:
            async with await door.logged_in() as raw:
                for value in ("Eve\r\nX-Evil: 1", "Eve\0", "Eve\n"):
                    params = {"sdp": SDP, "dialogParams": {"callID": "c", "caller_id_name": value}}
                    raw.ask(id=value, method="telnyx_rtc.invite", params=params)
                    assert (await raw.answer_to(value))["error"]["code"] == -32602

        assert at_door(scene).names() == []


class TestWS12Sdp:
    """Case WS-12."""

    @pytest.mark.parametrize(
        "sdp",
        [
            "",
            SDP * 2000,
            SDP + "m=audio 9 UDP/TLS/RTP/SAVPF 4294967296\r\n",
            SDP + "a=fmtp:111 \0\r\n",
            SDP + f"m={'A' * 1024} 9 UDP/TLS/RTP/SAVPF 0\r\n",
            SDP + f"c=IN IP4 {'1' * 512}\r\n",
            SDP + "a=candidate:1 1 udp 1 192.0.2.1 9 typ host\r\n" * 4000,
        ],
        ids=["empty", "sections", "payload type", "NUL", "medium", "address", "candidates"],
    )
    def test_the_line_is_named_and_the_exchange_hears_nothing(self, sdp: str) -> None:
        async def scene(door: OpenDoor, _: Notebook) -> None:
            async with await door.logged_in() as raw:
                params = {"sdp": sdp, "dialogParams": {"callID": "c"}}
                raw.ask(id=1, method="telnyx_rtc.invite", params=params)
                error = (await raw.answer_to(1))["error"]
                assert error["code"] == -32602
                assert "sdp line" in error["message"]
                assert await raw.pong()

        assert at_door(scene).names() == []


class TestWS15Fragments:
    """Case WS-15."""

    def test_a_split_at_every_byte_changes_nothing(self) -> None:
        async def scene(door: OpenDoor, _: Notebook) -> None:
            async with await door.logged_in() as raw:
                text = json.dumps(
                    {"id": "p", "method": "telnyx_rtc.ping", "params": {"é": 1}}, ensure_ascii=False
                ).encode()
                for cut in range(1, len(text)):
                    raw.send(frame(text[:cut], fin=False))
                    raw.send(frame(b"are you there", PING))
                    raw.send(frame(text[cut:], CONTINUATION))
                    while (await raw.read_frame())[0] != PONG:
                        pass
                    assert (await raw.answer_to("p"))["result"]["message"] == "PONG"
                for byte in frame(text):
                    await raw.send_all(bytes([byte]))
                assert "result" in await raw.answer_to("p")

        at_door(scene)

    def test_a_ping_is_answered_while_a_fragment_is_open_and_a_close_ends_it(self) -> None:
        async def scene(door: OpenDoor, notebook: Notebook) -> None:
            raw = await door.logged_in()
            raw.send(frame('{"id":', fin=False) + frame(b"?", PING))
            while (await raw.read_frame())[0] == TEXT:
                pass
            raw.send(frame(b"\x03\xe8", CLOSE))
            assert await raw.gone()
            await settled(lambda: not notebook.far_ends)

        at_door(scene)


class TestWS17LogInjection:
    """Case WS-17."""

    def test_what_strangers_write_is_one_short_printable_entry(self) -> None:
        agent = 'Evil\n{"event":"forged"}\x1b[31m\u202e' + "x" * 100_000

        async def scene(door: OpenDoor, _: Notebook) -> None:
            async with await door.upgraded() as raw:
                await raw.log_in("alice", **{"User-Agent": agent})
                assert await raw.pong()

        with structlog.testing.capture_logs() as logs:
            notebook = at_door(scene)
        (entry,) = [entry for entry in logs if entry["event"] == "rtc.registered"]
        assert entry["user_agent"].isprintable()
        assert len(entry["user_agent"]) <= 1024
        assert notebook.contacts[0].user_agent == entry["user_agent"]

    def test_nothing_secret_or_personal_is_logged(self) -> None:
        async def scene(door: OpenDoor, _: Notebook) -> None:
            async with await door.logged_in("john1234") as raw:
                secret = {"urls": "turn:turn.example", "credential": "turn-secret"}
                dialog = {"callID": "c", "destination_number": "+15551234567", "iceServers": [secret]}
                raw.ask(id=1, method="telnyx_rtc.invite", params={"sdp": SDP, "dialogParams": dialog})
                raw.ask(id=2, method="telnyx_rtc.info", params={"dtmf": "4711#", "dialogParams": {"callID": "c"}})
                raw.ask(id=3, method="telnyx_rtc.bogus", params={"x": "+15551234567"})
                assert await raw.pong()

        with structlog.testing.capture_logs() as logs:
            at_door(scene)
        text = json.dumps(logs, default=str)
        assert not [
            word for word in ("right", "turn-secret", "5551234567", "4711", "m=audio", "127.0.0.1") if word in text
        ]


class TestSession:
    """What the door itself promises."""

    def test_a_call_goes_through_in_order(self) -> None:
        async def scene(door: OpenDoor, notebook: Notebook) -> None:
            async with await door.logged_in() as raw:
                raw.ask(id=1, method="telnyx_rtc.invite", params=INVITE)
                assert (await raw.answer_to(1))["result"]["message"] == "CALL CREATED"
                (far_end,) = notebook.far_ends.values()
                far_end.ringing("call-1", IDS)
                far_end.progress("call-1", SDP, IDS)
                far_end.answer("call-1", None, IDS)
                heard = [(await raw.hear())["method"] for _ in range(3)]
                assert heard == ["telnyx_rtc.ringing", "telnyx_rtc.media", "telnyx_rtc.answer"]
                about = {"dialogParams": {"callID": "call-1"}}
                raw.ask(id=2, method="telnyx_rtc.modify", params={"action": "hold", **about})
                raw.ask(id=3, method="telnyx_rtc.info", params={"dtmf": "1", **about})
                raw.ask(id=4, method="telnyx_rtc.candidate", params={"candidate": "candidate:1", **about})
                raw.ask(id=5, method="telnyx_rtc.endOfCandidates", params=about)
                raw.ask(id=6, method="telnyx_rtc.modify", params={"action": "updateMedia", "sdp": SDP, **about})
                raw.ask(id=7, method="telnyx_rtc.bye", params={"cause": "NORMAL_CLEARING", "causeCode": 16, **about})
                assert (await raw.answer_to(7))["result"]["causeCode"] == 16
                far_end.bye("call-1", ending("NORMAL_CLEARING"))  # crossed: dropped
                assert await raw.pong()

        names = at_door(scene).names()
        assert names == ["invited", "asked_hold", "pressed", "trickled", "trickled", "renegotiated", "hung_up"]

    def test_a_call_to_a_client_rings_answers_and_ends(self) -> None:
        async def scene(door: OpenDoor, notebook: Notebook) -> None:
            async with await door.logged_in() as raw:
                (far_end,) = notebook.far_ends.values()
                far_end.invite("call-2", invitation())
                while (invite := await raw.hear()).get("method") != "telnyx_rtc.invite":
                    pass
                assert invite["params"]["telnyx_call_control_id"] == "v3:control"
                assert invite["params"]["caller_id_name"] == ""
                raw.ask(id=invite["id"], result={"method": "telnyx_rtc.invite"})
                answer = {"sdp": SDP, "dialogParams": {"callID": "call-2"}}
                raw.ask(id=9, method="telnyx_rtc.answer", params=answer)
                assert (await raw.answer_to(9))["result"]["message"] == "CALL ANSWERED"
                far_end.bye("call-2", ending("NORMAL_CLEARING"))
                assert (await raw.hear())["params"]["causeCode"] == 16

        assert at_door(scene).names() == ["rang", "answered"]

    def test_headers_that_a_browser_says_again_are_no_news(self) -> None:
        async def scene(door: OpenDoor, notebook: Notebook) -> None:
            async with await door.logged_in() as raw:
                (far_end,) = notebook.far_ends.values()
                far_end.invite("call-2", invitation(headers=(("X-Invite", "1"),)))
                headers = [{"name": "X-Invite", "value": "1"}, {"name": "X-Answer", "value": "2"}]
                params = {"sdp": SDP, "dialogParams": {"callID": "call-2", "custom_headers": headers}}
                raw.ask(id=1, method="telnyx_rtc.answer", params=params)
                headers.append({"name": "X-Bye", "value": "3"})
                raw.ask(id=2, method="telnyx_rtc.bye", params={"dialogParams": params["dialogParams"]})
                await raw.answer_to(2)

        (_, answered), (_, hung_up) = at_door(scene).asked
        assert answered[3] == (("X-Answer", "2"),)
        assert hung_up[2].headers == (("X-Bye", "3"),)

    def test_androids_invite_rings_when_it_has_left(self) -> None:
        async def scene(door: OpenDoor, notebook: Notebook) -> None:
            async with await door.upgraded() as raw:
                await raw.log_in(**{"User-Agent": "Android-3.7.0"})
                (far_end,) = notebook.far_ends.values()
                far_end.invite("call-2", invitation())

        assert at_door(scene).names() == ["rang"]

    def test_a_token_that_expires_closes_its_socket(self) -> None:
        async def scene(door: OpenDoor, _: Notebook) -> None:
            raw = await door.upgraded()
            raw.ask(id=1, method="login", params={"login_token": "a.b.c"})
            assert "result" in await raw.answer_to(1)
            alive = asyncio.create_task(keep_alive(raw))
            assert await raw.close_code() == 1008
            assert asyncio.get_running_loop().time() == pytest.approx(600.0, abs=1.0)
            alive.cancel()

        at_door(scene)

    def test_an_identity_that_is_withdrawn_closes_its_socket(self) -> None:
        async def scene(door: OpenDoor, notebook: Notebook) -> None:
            raw = await door.logged_in()
            (far_end,) = notebook.far_ends.values()
            far_end.close("credential deleted")
            assert await raw.close_code() == 1008
            await settled(lambda: not notebook.far_ends)
            far_end.bye("call-1", ending("NORMAL_CLEARING"))  # too late, and nobody minds

        at_door(scene)

    def test_a_renewed_login_keeps_its_place_and_another_name_is_refused(self) -> None:
        async def scene(door: OpenDoor, notebook: Notebook) -> None:
            async with await door.logged_in("alice") as raw:
                assert "result" in await raw.log_in("alice")
                assert (await raw.log_in("bob"))["error"]["code"] == -32001
                assert len(notebook.contacts) == 1

        at_door(scene)

    def test_a_server_that_stops_sends_everybody_1001(self) -> None:
        async def scene(door: OpenDoor, _: Notebook) -> None:
            raw = await door.logged_in()
            stopping = asyncio.create_task(door.door.stop())
            assert await raw.close_code() == 1001
            raw.send(frame(b"\x03\xe9", CLOSE))
            await stopping

        at_door(scene)

    def test_a_fault_of_ours_costs_one_request(self) -> None:
        class Broken(Notebook):
            def invited(self, *_: object) -> None:
                raise RuntimeError("a bug")

        async def play() -> None:
            async with open_door(Broken()) as door, await door.logged_in() as raw:
                raw.ask(id=1, method="telnyx_rtc.invite", params=INVITE)
                assert (await raw.answer_to(1))["error"] == {"code": -32002, "message": "internal error"}
                assert await raw.pong()

        with structlog.testing.capture_logs() as logs:
            run(play())
        assert [entry["event"] for entry in logs if "exc_info" in entry] == ["rtc.failed"]


def test_the_guard_serves_other_doors_too() -> None:
    async def play() -> None:
        async with open_door(Notebook()) as door, await door.socket().connect() as raw:
            assert await raw.upgrade(Host="rebound.example", Upgrade="none", Connection="close") == 403

    run(play())


def invitation(sdp: str = SDP, headers: Headers = ()) -> Invitation:
    return Invitation(
        ids=IDS,
        sdp=sdp,
        caller_number="+15550001111",
        caller_name="",
        callee_number="alice",
        callee_name="",
        headers=headers,
    )


async def keep_alive(raw: RawSocket) -> None:
    while True:
        raw.ask(id="alive", method="telnyx_rtc.ping")
        await asyncio.sleep(10.0)  # turned time


async def settled(condition: Any) -> None:
    """Give the server's tasks their turn until the condition holds; a minute of turned time must be enough."""
    for _ in range(600):
        if condition():
            return
        await asyncio.sleep(0.1)
    raise AssertionError("it did not come to that")
