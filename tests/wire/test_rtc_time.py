"""Category: wire. Pings both ways, and when a connection is dead, with time as an argument (browser-sdk §7)."""

import json

from offhook.wire import rtc_c2s as c2s
from offhook.wire.rtc import Connection, Died
from offhook.wire.rtc_liveness import NO_LOGIN, SILENT, UNANSWERED

from .pair import Pair, client, dialog, logged_in_server, server, written


def ping_of(connection: Connection, now: float) -> str:
    """The id of the one ping that `tick` brings."""
    assert connection.tick(now) == []
    (frame,) = written(connection)
    assert frame["method"] == "telnyx_rtc.ping"
    return frame["id"]


class TestServer:
    def test_fifteen_seconds_of_silence_bring_a_ping(self) -> None:
        connection = logged_in_server()
        assert connection.deadline() == 15.0
        assert connection.tick(14.9) == []
        assert written(connection) == []
        ping_of(connection, 15.0)
        assert connection.deadline() == 30.0

    def test_a_client_that_only_listens_is_dead_after_sixty(self) -> None:
        connection = logged_in_server()
        for now in (15.0, 30.0, 45.0):
            ping_of(connection, now)
        assert connection.tick(60.0) == [Died(SILENT)]
        assert connection.deadline() == float("inf")
        assert connection.receive('{"id":1,"method":"telnyx_rtc.ping"}', 61.0) == []
        assert connection.tick(62.0) == []

    def test_any_frame_is_life(self) -> None:
        connection = logged_in_server()
        connection.receive("garbage", 59.0)
        written(connection)
        ping_of(connection, 74.0)
        assert connection.tick(118.9) == []
        assert connection.tick(119.0) == [Died(SILENT)]

    def test_a_client_that_talks_is_pinged_too_when_we_say_nothing(self) -> None:
        """The SDK counts our silence as well: at 20 s it probes by itself."""
        connection = logged_in_server()
        connection.receive('{"id":"nobody","result":{}}', 14.0)
        ping_of(connection, 15.0)

    def test_no_login_in_thirty_seconds_is_the_end(self) -> None:
        connection = server()
        ping_of(connection, 15.0)
        connection.receive('{"id":1,"method":"telnyx_rtc.ping"}', 29.0)
        assert connection.deadline() == 30.0
        assert connection.tick(30.0) == [Died(NO_LOGIN)]

    def test_a_browser_answers_by_a_ping_of_its_own(self) -> None:
        connection = logged_in_server()
        ping_of(connection, 15.0)
        connection.receive('{"id":"own","method":"telnyx_rtc.ping","params":{},"voice_sdk_id":"v"}', 15.1)
        (pong,) = written(connection)
        assert (pong["id"], pong["result"]["message"]) == ("own", "PONG")

    def test_an_echo_of_our_ping_is_a_pong_and_gets_none(self) -> None:
        """Android and iOS send our frame back as it was (§9); an answer would come back again, for ever."""
        connection = logged_in_server()
        connection.tick(15.0)
        (frame,) = connection.frames()
        assert connection.receive(frame, 15.1) == []
        assert connection.frames() == []

    def test_flutter_answers_with_a_result_under_an_id_of_its_own(self) -> None:
        connection = logged_in_server()
        ping_of(connection, 15.0)
        assert connection.receive('{"id":"new","result":{"message":"PONG","sessid":"s"}}', 15.1) == []
        assert connection.frames() == []
        assert connection.deadline() == 30.0


class TestClient:
    def test_a_ping_is_answered_by_a_ping(self) -> None:
        pair = Pair()
        pair.log_in()
        assert pair.server.tick(15.0) == []
        pair.talk(15.0)
        assert pair.heard_by_client == pair.heard_by_server == []
        assert pair.client.deadline() == 35.0

    def test_a_ping_that_is_not_answered_for_ten_seconds_is_the_end(self) -> None:
        connection = client()
        ping_of(connection, 20.0)
        assert connection.tick(20.0) == []
        assert connection.deadline() == 30.0
        assert connection.tick(30.0) == [Died(UNANSWERED)]

    def test_the_same_for_bye_and_modify_but_not_for_invite(self) -> None:
        for request in (c2s.Bye(dialog=dialog()), c2s.Modify(action="hold", dialog=dialog())):
            connection = client()
            connection.dialogs.adopt(["call-1"])
            connection.send(request)
            assert connection.deadline() <= 7.0  # at once: it must be told the time
            assert connection.tick(7.0) == []
            assert connection.deadline() == 17.0
            assert connection.tick(17.0) == [Died(UNANSWERED)]
        connection = client()
        connection.send(c2s.Invite(sdp="v=0", dialog=dialog()))
        assert connection.deadline() == 20.0

    def test_a_request_after_a_long_silence_has_its_ten_seconds_all_the_same(self) -> None:
        connection = client()
        connection.dialogs.adopt(["call-1"])
        connection.send(c2s.Modify(action="hold", dialog=dialog()))  # at 15 s, which nobody tells
        connection.receive('{"id":"other","method":"telnyx_rtc.info"}', 15.1)
        assert connection.tick(25.0) == []
        assert connection.tick(25.1) == [Died(UNANSWERED)]

    def test_an_answer_in_time_lets_it_live(self) -> None:
        connection = client()
        connection.dialogs.adopt(["call-1"])
        connection.send(c2s.Modify(action="hold", dialog=dialog()))
        (frame,) = written(connection)
        connection.receive(json.dumps({"id": frame["id"], "error": {"code": -32002, "message": "no"}}), 9.9)
        assert connection.tick(10.0) == []
