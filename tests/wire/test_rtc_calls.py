"""Category: wire. Whole calls between a client and a server of the browser SDK's protocol, connected in memory."""

import pytest

from offhook.wire import rtc_c2s as c2s
from offhook.wire import rtc_s2c as s2c
from offhook.wire.rtc import GatewayReported, Ignored, LocalProtocolError, Received, Refused, Succeeded
from offhook.wire.rtc_dialog import Stage
from offhook.wire.rtc_values import CallResult, Code, Done, Gateway, GatewayParams, Header, LoggedIn

from .pair import SDP, Pair, dialog, logged_in_server, ticket_of, written


@pytest.fixture
def pair() -> Pair:
    pair = Pair()
    pair.log_in()
    return pair


@pytest.fixture
def calling(pair: Pair) -> Pair:
    """The client's invite has arrived and its result is owed."""
    pair.client.send(c2s.Invite(sdp=SDP, dialog=dialog(destination_number="bob")))
    pair.talk()
    return pair


@pytest.fixture
def talking(calling: Pair) -> Pair:
    calling.server.answer(calling.ticket(), CallResult(call_id="call-1", message="CALL CREATED"))
    calling.server.send(s2c.Answer(call_id="call-1", sdp=SDP))
    calling.talk()
    return calling


class TestLogin:
    """browser-sdk §2: login → result → clientReady → gatewayState → REGED."""

    def test_a_client_becomes_ready(self) -> None:
        pair = Pair()
        pair.client.send(c2s.Login(login="john1234", password="secret"))
        pair.talk()
        pair.server.log_in(pair.ticket(), "session-1")
        pair.talk()
        success, ready, gateway = pair.heard_by_client
        assert isinstance(success, Succeeded)
        assert success.result == LoggedIn(sessid="session-1")
        assert ready == Received(s2c.ClientReady(reattached_sessions=()))
        assert gateway == GatewayReported(GatewayParams("REGED"))
        assert (pair.client.session_id, pair.client.voice_sdk_id) == ("session-1", "node-1")

    def test_a_refusal_has_no_code_that_makes_the_browser_log_in_again(self) -> None:
        pair = Pair()
        pair.client.send(c2s.Login(token="a.b.c"))
        pair.talk()
        with pytest.raises(ValueError, match="-32000"):
            pair.server.refuse(pair.ticket(), Code(-32000), "no")
        pair.server.refuse(pair.ticket(), Code.LOGIN_REFUSED, "Login Incorrect")
        pair.talk()
        refused = pair.only(pair.heard_by_client, Refused)
        assert (refused.code, refused.text) == (-32001, "Login Incorrect")
        assert not pair.client.logged_in

    def test_a_renewed_login_keeps_the_session_and_ends_no_call(self, talking: Pair) -> None:
        talking.client.send(c2s.Login(token="a.b.c"))
        talking.talk()
        talking.server.log_in(talking.ticket(), "session-2")
        (result,) = written(talking.server)
        assert result["result"] == {"message": "logged in", "sessid": "session-1"}
        assert talking.server.dialogs.stage("call-1") is Stage.ACTIVE

    def test_nothing_of_a_call_is_heard_before_login(self) -> None:
        pair = Pair()
        pair.client.send(c2s.Invite(sdp=SDP, dialog=dialog()))
        pair.talk()
        assert pair.only(pair.heard_by_client, Refused).code == -32001
        assert pair.only(pair.heard_by_server, Ignored)

    def test_a_browser_that_came_back_hears_trying_before_reged(self) -> None:
        """browser-sdk §6, second reading §0 rule 13: without it `telnyx.ready` never fires again."""
        pair = Pair()
        pair.client.send(c2s.Login(login="u", password="p", reconnection=True))
        pair.talk()
        pair.server.log_in(pair.ticket(), "session-1")
        pair.talk()
        states = [event.params.state for event in pair.heard_by_client if isinstance(event, GatewayReported)]
        assert states == ["TRYING", "REGED"]
        pair.client.send(c2s.AskGatewayState())
        pair.talk()
        assert pair.heard_by_client == [GatewayReported(GatewayParams("REGED"))]


class TestOutbound:
    """browser-sdk §0 rules 0 and 9, §5: invite → result → ringing → media → answer."""

    def test_nothing_about_a_call_leaves_before_the_result_of_its_invite(self, calling: Pair) -> None:
        calling.server.send(s2c.Ringing(call_id="call-1"))
        calling.server.send(s2c.Media(call_id="call-1", sdp=SDP))
        calling.server.send(s2c.Answer(call_id="call-1"))
        assert written(calling.server) == []
        calling.server.answer(calling.ticket(), CallResult(call_id="call-1", message="CALL CREATED"))
        result, ringing, media, answer = written(calling.server)
        assert result["result"]["message"] == "CALL CREATED"
        methods = [frame["method"] for frame in (ringing, media, answer)]
        assert methods == ["telnyx_rtc.ringing", "telnyx_rtc.media", "telnyx_rtc.answer"]

    def test_other_calls_do_not_wait(self, calling: Pair) -> None:
        calling.server.send(s2c.Invite(call_id="call-2", sdp=SDP))
        assert [frame["method"] for frame in written(calling.server)] == ["telnyx_rtc.invite"]

    def test_an_answered_call(self, talking: Pair) -> None:
        created, answered = talking.heard_by_client
        assert isinstance(created, Succeeded)
        assert answered == Received(s2c.Answer(call_id="call-1", sdp=SDP))
        assert talking.client.dialogs.stage("call-1") is Stage.ACTIVE

    def test_a_refused_invite_is_over_and_its_late_bye_gets_a_result(self, calling: Pair) -> None:
        """browser-sdk §13 trap 8: the browser sends a bye for a call whose invite was refused."""
        calling.server.send(s2c.Ringing(call_id="call-1"))
        calling.server.refuse(calling.ticket(), Code.CALL_ERROR, "no route")
        calling.talk()
        assert calling.only(calling.heard_by_client, Refused).text == "no route"
        server = calling.server
        server.receive('{"id":"b","method":"telnyx_rtc.bye","params":{"dialogParams":{"callID":"call-1"}}}', 0.0)
        (answer,) = written(server)
        assert answer["result"]["message"] == "CALL ENDED"

    def test_an_invite_of_a_live_call_is_refused_and_the_call_lives(self, talking: Pair) -> None:
        again = '{"id":"x","method":"telnyx_rtc.invite","params":{"sdp":"v=0","dialogParams":{"callID":"call-1"}}}'
        (event,) = talking.server.receive(again, 0.0)
        assert isinstance(event, Ignored)
        (answer,) = written(talking.server)
        assert answer["error"]["code"] == -32002
        assert talking.server.dialogs.stage("call-1") is Stage.ACTIVE

    def test_the_same_invite_twice_does_not_free_what_waits_for_the_first_result(self, calling: Pair) -> None:
        calling.server.send(s2c.Ringing(call_id="call-1"))
        again = '{"id":"x","method":"telnyx_rtc.invite","params":{"sdp":"v=0","dialogParams":{"callID":"call-1"}}}'
        calling.server.receive(again, 0.0)
        assert ["error" in frame for frame in written(calling.server)] == [True]

    def test_a_call_dialled_with_all_that_a_browser_sends(self, pair: Pair) -> None:
        params = dialog(
            destination_number="",
            caller_id_number="+15550001111",
            custom_headers=(Header("X-Ticket", "42"),),
            client_state="c3RhdGU=",
        )
        pair.client.send(c2s.Invite(sdp=SDP, dialog=params, trickle=True))
        pair.talk()
        invite = pair.only(pair.heard_by_server, Received).message
        assert isinstance(invite, c2s.Invite)
        assert (invite.sessid, invite.trickle, invite.dialog) == ("session-1", True, params)


class TestInbound:
    """browser-sdk §4, §5: invite → ack → answer → result."""

    @pytest.fixture
    def ringing(self, pair: Pair) -> Pair:
        extras = s2c.Extras(custom_headers=(Header("X-Ticket", "42"),))
        pair.server.send(s2c.Invite(call_id="call-2", sdp=SDP, caller_id_name="Alice", extras=extras))
        pair.talk()
        return pair

    def test_an_invite_is_acknowledged(self, ringing: Pair) -> None:
        acknowledged = ringing.only(ringing.heard_by_server, Succeeded)
        assert isinstance(acknowledged.request, s2c.Invite)
        invite = ringing.only(ringing.heard_by_client, Received).message
        assert isinstance(invite, s2c.Invite)
        assert invite.headers == (Header("X-Ticket", "42"),)

    def test_an_answer_is_active_by_its_result(self, ringing: Pair) -> None:
        ringing.client.send(c2s.Answer(sdp=SDP, dialog=dialog("call-2")))
        ringing.talk()
        ringing.server.answer(ringing.ticket(), CallResult(call_id="call-2", message="CALL ANSWERED"))
        ringing.talk()
        assert isinstance(ringing.only(ringing.heard_by_client, Succeeded).request, c2s.Answer)

    def test_a_mobile_client_says_that_it_rings(self, ringing: Pair) -> None:
        ringing.client.send(c2s.RingingAck(call_id="call-2"))
        ringing.talk()
        assert isinstance(ringing.only(ringing.heard_by_server, Received).message, c2s.RingingAck)

    def test_both_hang_up_at_once(self, ringing: Pair) -> None:
        ringing.client.send(c2s.Bye(dialog=dialog("call-2"), cause="USER_BUSY", cause_code=17))
        ringing.server.send(s2c.Bye(call_id="call-2", cause="ORIGINATOR_CANCEL", cause_code=487))
        ringing.talk()
        assert ringing.only(ringing.heard_by_server, Ignored)
        assert [type(event) for event in ringing.heard_by_client] == [Ignored, Succeeded]

    def test_what_is_said_of_a_call_that_is_over_is_dropped(self, ringing: Pair) -> None:
        ringing.client.send(c2s.Bye(dialog=dialog("call-2")))
        ringing.talk()
        assert ringing.server.send(s2c.Bye(call_id="call-2")) is None
        assert ringing.server.send(s2c.Candidate(call_id="call-2", candidate="candidate:1")) is None

    def test_a_bye_carries_its_reason_and_its_own_spelling_of_headers(self, ringing: Pair) -> None:
        extras = s2c.Extras(bye_headers=(Header("X-Why", "lunch"),))
        ringing.server.send(s2c.Bye(call_id="call-2", cause="USER_BUSY", cause_code=17, sip_code=486, extras=extras))
        (frame,) = written(ringing.server)
        assert frame["params"]["causeCode"] == 17
        assert frame["params"]["dialogParams"] == {"customHeaders": [{"name": "X-Why", "value": "lunch"}]}


class TestMidCall:
    """browser-sdk §3: modify, info, candidate."""

    @pytest.mark.parametrize(("action", "state"), [("hold", "held"), ("unhold", "active"), ("toggleHold", "held")])
    def test_hold(self, talking: Pair, action: str, state: str) -> None:
        talking.client.send(c2s.Modify(action=action, dialog=dialog()))  # pyright: ignore[reportArgumentType]
        talking.talk()
        talking.server.answer(talking.ticket(), CallResult(call_id="call-1", action=action, hold_state=state))
        talking.talk()
        result = talking.only(talking.heard_by_client, Succeeded).result
        assert isinstance(result, CallResult)
        assert result.hold_state == state

    def test_an_ice_restart(self, talking: Pair) -> None:
        talking.client.send(c2s.Modify(action="updateMedia", again_call_id="call-1", sdp=SDP, dialog=dialog()))
        talking.talk()
        talking.server.answer(talking.ticket(), CallResult(call_id="call-1", action="updateMedia", sdp=SDP))
        talking.talk()
        result = talking.only(talking.heard_by_client, Succeeded).result
        assert isinstance(result, CallResult)
        assert result.sdp == SDP

    def test_digits_and_candidates(self, talking: Pair) -> None:
        talking.client.send(c2s.Info(dialog=dialog(), dtmf="12*#w9"))
        talking.client.send(c2s.Candidate(dialog=dialog(), candidate="candidate:1 1 udp 1 192.0.2.1 9 typ host"))
        talking.client.send(c2s.EndOfCandidates(dialog=dialog()))
        talking.talk()
        info, candidate, end = (event.message for event in talking.heard_by_server if isinstance(event, Received))
        assert isinstance(info, c2s.Info)
        assert info.dtmf == "12*#w9"
        assert "12" not in repr(info)
        assert isinstance(candidate, c2s.Candidate)
        assert isinstance(end, c2s.EndOfCandidates)

    def test_what_the_table_does_not_allow_is_a_clear_error_on_either_side(self, pair: Pair) -> None:
        pair.client.send(c2s.Invite(sdp=SDP, dialog=dialog()))
        with pytest.raises(LocalProtocolError, match=r"telnyx_rtc\.modify is not possible while the call is calling"):
            pair.client.send(c2s.Modify(action="hold", dialog=dialog()))
        pair.talk()
        hold = '{"id":"h","method":"telnyx_rtc.modify","params":{"action":"hold","dialogParams":{"callID":"call-1"}}}'
        pair.server.receive(hold, 0.0)
        (answer,) = written(pair.server)
        assert answer["error"]["message"] == "telnyx_rtc.modify is not possible while the call is calling"

    def test_a_live_call_is_attached_again(self, talking: Pair) -> None:
        """browser-sdk §6: attach carries an offer, the client's attach its answer."""
        talking.server.send(s2c.Attach(call_id="call-1", sdp=SDP))
        talking.talk()
        talking.client.send(c2s.Attach(sdp=SDP, dialog=dialog(attach=True)))
        talking.talk()
        assert isinstance(talking.only(talking.heard_by_server, Received).message, c2s.Attach)
        assert talking.server.dialogs.stage("call-1") is Stage.ACTIVE


class TestOneAnswerEach:
    """browser-sdk §0 rule 3: every request gets exactly one answer, of the kind that its method names."""

    def test_a_ticket_is_good_for_one_answer(self, calling: Pair) -> None:
        ticket = calling.ticket()
        calling.server.answer(ticket, CallResult(call_id="call-1"))
        with pytest.raises(LocalProtocolError):
            calling.server.answer(ticket, CallResult(call_id="call-1"))
        with pytest.raises(LocalProtocolError):
            calling.server.refuse(ticket, Code.CALL_ERROR, "late")

    def test_the_wrong_kind_of_answer_is_our_own_error(self, calling: Pair) -> None:
        ticket = calling.ticket()
        with pytest.raises(LocalProtocolError, match=r"telnyx_rtc\.invite is not answered by Done"):
            calling.server.answer(ticket, Done())
        calling.server.answer(ticket, CallResult(call_id="call-1"))

    def test_answers_carry_the_id_as_it_came(self) -> None:
        server = logged_in_server()
        for frame_id in ("7", '"text"', "-3"):
            server.receive(f'{{"id":{frame_id},"method":"telnyx_rtc.attachCalls"}}', 0.0)
        assert written(server) == []

    def test_debug_reports_are_answered_though_they_have_no_method(self) -> None:
        """browser-sdk §0 rule 20: unanswered, the call stays new for ever."""
        server = logged_in_server()
        events = server.receive('{"id":"d","type":"debug_report_start","debug_report_id":"1","call_id":"c"}', 0.0)
        assert events == []
        (answer,) = written(server)
        assert (answer["id"], answer["result"]["message"]) == ("d", "OK")

    def test_a_function_output_without_an_id_is_heard_and_not_answered(self) -> None:
        server = logged_in_server()
        text = '{"method":"ai_conversation","params":{"type":"conversation.item.create","item":{}}}'
        (event,) = server.receive(text, 0.0)
        assert isinstance(event, Received)
        assert event.ticket is None
        assert written(server) == []

    def test_attach_calls_is_answered_by_a_gateway_state(self) -> None:
        server = logged_in_server()
        (event,) = server.receive('{"id":1,"method":"telnyx_rtc.attachCalls","params":{}}', 0.0)
        server.answer(ticket_of(event), Gateway(params=GatewayParams("ATTACHED")))
        (answer,) = written(server)
        assert answer["result"] == {"params": {"state": "ATTACHED"}, "sessid": "session-1"}
