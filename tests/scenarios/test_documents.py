"""Category: scenarios. Calls that follow TeXML documents: every verb, in turned time.

Loops and broken apps (TXM-02, TXM-07) end in a word to the caller and a code for the author; audio that cannot be had
(TXM-04) is passed over.
"""

from asyncio import sleep

import pytest
from tests.scenarios.library import APP, Library, read

from offhook.voice.callbacks import Page
from offhook.voice.event import CallHungUp, RecordingSaved

ALICE = "+15550100001"
BOB, CAROL = "<Sip>sip:bob@sip.test</Sip>", "<Sip>sip:carol@sip.test</Sip>"


def test_a_call_is_answered_and_follows_its_document_to_the_end() -> None:
    async def script(s: Library) -> None:
        await s.calls("<Say>Hello {{From}}.</Say><Play>welcome.wav</Play><Pause length='2'/><Say loop='2'>Bye.</Say>")
        assert "answer" in s.alice.saw[-1]
        assert await s.heard() == f"Hello {ALICE}."
        assert await s.heard() == f"{APP}/welcome.wav"
        await sleep(1.7)
        assert s.at.core.plays[s.at.port_of(s.alice)] == {}
        await sleep(0.3)
        assert s.at.core.loops[s.at.port_of(s.alice)][-1] == 2
        assert await s.heard() == "Bye."
        assert s.over
        asked = s.told("/voice")
        assert {name: asked[name] for name in ("CallStatus", "From", "To", "AccountSid", "Direction")} == {
            "CallStatus": "in-progress",
            "From": ALICE,
            "To": "+12025550199",
            "AccountSid": "account",
            "Direction": "outbound",
        }
        assert asked["CallSid"] == asked["CallSidLegacy"] == s.leg(s.alice)
        [request] = s.pages.requests
        assert dict(request.headers)["content-type"] == "application/x-www-form-urlencoded"
        assert dict(request.headers).keys() >= {"telnyx-timestamp", "telnyx-signature-ed25519"}

    read(script)


# ---- Gather --------------------------------------------------------------------------------------------------


def test_digits_take_the_call_to_the_action() -> None:
    async def script(s: Library) -> None:
        gather = "<Gather numDigits='2' action='menu' method='GET'><Say>Press.</Say><Play>a.wav</Play></Gather>"
        await s.calls(gather, menu="<Say>You pressed {{Digits}}.</Say>")
        assert await s.heard() == "Press."
        await s.press("12")
        assert s.told("/menu")["Digits"] == "12"
        assert s.pages.requests[-1].method == "GET"
        assert await s.heard() == "You pressed 12."
        assert s.over

    read(script)


@pytest.mark.parametrize(
    ("attributes", "pressed", "path"),
    [
        ("", "", "/voice"),
        ("finishOnKey='*'", "1*", "/menu"),
        ("minDigits='3'", "1#", "/voice"),
        ("minDigits='3' invalidDigitsAction='wrong'", "1#", "/wrong"),
        ("validDigits='12'", "3#", "/voice"),
        ("timeout='1'", "7", "/menu"),
    ],
)
def test_a_document_goes_on_where_no_digits_have_come(attributes: str, pressed: str, path: str) -> None:
    async def script(s: Library) -> None:
        gather = f"<Gather action='menu' {attributes}><Say>Press.</Say></Gather><Say>Nothing.</Say>"
        await s.calls(gather, menu="<Say>Menu.</Say>", wrong="<Say>Wrong.</Say>")
        await s.heard()
        await s.press(pressed)
        await sleep(5.2)
        assert s.paths[-1] == path
        assert await s.heard() == {"/menu": "Menu.", "/wrong": "Wrong.", "/voice": "Nothing."}[path]

    read(script)


# ---- Dial ----------------------------------------------------------------------------------------------------


def test_somebody_is_rung_and_meets_the_caller() -> None:
    async def script(s: Library) -> None:
        await s.calls(f"<Dial action='after' callerId='+12025550100'>{BOB}</Dial>", after="<Say>Good.</Say>")
        assert s.bob.saw == ["invite"]
        assert 1 in s.at.core.plays[s.at.port_of(s.alice)], "alice hears it ring"
        await s.picks_up(s.bob)
        assert (s.hears(s.alice), s.hears(s.bob)) == (["bob"], ["alice"])
        assert 1 not in s.at.core.plays[s.at.port_of(s.alice)]
        await sleep(10)
        await s.hangs_up(s.bob)
        asked = s.told("/after")
        assert (asked["DialCallStatus"], asked["DialCallDuration"]) == ("completed", "10")
        assert asked["DialCallSid"] == s.leg(s.bob)
        assert await s.heard() == "Good."

    read(script)


def test_of_many_the_first_to_answer_has_the_call() -> None:
    async def script(s: Library) -> None:
        await s.calls(f"<Dial>{BOB}{CAROL}</Dial>")
        assert (s.bob.saw, s.carol.saw) == (["invite"], ["invite"])
        await s.picks_up(s.carol)
        assert s.bob.saw[-1].startswith("bye")
        assert s.hears(s.alice) == ["carol"]
        await s.hangs_up(s.alice)
        assert s.carol.saw[-1].startswith("bye")
        assert not s.at.shadow.live

    read(script)


@pytest.mark.parametrize(("cause", "status"), [("USER_BUSY", "busy"), ("CALL_REJECTED", "busy"), ("", "no-answer")])
def test_nobody_who_answers_has_a_word(cause: str, status: str) -> None:
    async def script(s: Library) -> None:
        await s.calls(f"<Dial action='after' timeout='5'>{BOB}</Dial>", after="<Say>Sorry.</Say>")
        if cause:
            s.bob.hang_up(cause)
        await sleep(5.5)
        assert s.told("/after")["DialCallStatus"] == status
        assert await s.heard() == "Sorry."

    read(script)


def test_whoever_answers_follows_a_document_of_its_own_first() -> None:
    async def script(s: Library) -> None:
        await s.calls("<Dial><Sip url='whisper'>sip:bob@sip.test</Sip></Dial>", whisper="<Say>A call for you.</Say>")
        await s.picks_up(s.bob)
        port = s.at.port_of(s.bob)
        assert s.hears(s.alice) == []
        assert s.told("/whisper")["CallSid"] == s.leg(s.bob)
        assert s.told("/whisper")["ParentCallSid"] == s.leg(s.alice)
        s.at.core.finish(port)
        await sleep(0.2)
        assert s.hears(s.alice) == ["bob"]

    read(script)


def test_a_star_ends_the_other_call_only() -> None:
    async def script(s: Library) -> None:
        await s.calls(f"<Dial hangupOnStar='true'>{BOB}</Dial><Say>On.</Say>")
        await s.picks_up(s.bob)
        await s.press("*")
        assert s.bob.saw[-1].startswith("bye")
        assert await s.heard() == "On."

    read(script)


def test_a_caller_who_gives_up_takes_those_along_who_ring() -> None:
    async def script(s: Library) -> None:
        await s.calls(f"<Dial>{BOB}{CAROL}</Dial>")
        await s.hangs_up(s.alice)
        assert s.bob.saw[-1].startswith("bye")
        assert s.carol.saw[-1].startswith("bye")
        assert not s.at.shadow.live

    read(script)


# ---- conferences and queues ----------------------------------------------------------------------------------


def test_two_calls_meet_in_a_conference_and_go_on_when_its_host_leaves() -> None:
    async def script(s: Library) -> None:
        room = "<Dial action='after'><Conference beep='false' endConferenceOnExit='{}'>room</Conference></Dial>"
        await s.calls(room.format("false"), after="<Say>Out.</Say>")
        s.pages.documents["/voice"] = room.format("true")
        s.at.dialplan.parking.add("connection of bob")
        s.bob.dial("+12025550199")
        await sleep(0.3)
        s.at.connect()
        owner = s.at.switchboard.conferences.find("account", "room")
        assert owner is not None
        assert {leg.party.label for leg in owner.session.floor.legs.values()} == {"alice", "bob"}
        await sleep(4)
        await s.hangs_up(s.bob)
        asked = s.told("/after")
        assert (asked["From"], asked["DialCallStatus"]) == (ALICE, "completed")
        assert asked["ConferenceSid"]
        assert await s.heard() == "Out."

    read(script)


def test_a_waiting_call_hears_its_document_over_and_over_until_somebody_takes_it() -> None:
    async def script(s: Library) -> None:
        enqueue = "<Enqueue action='left' waitUrl='wait'>support</Enqueue>"
        await s.calls(
            enqueue, wait="<Say>You are {{QueuePosition}} of {{CurrentQueueSize}}.</Say>", left="<Say>So.</Say>"
        )
        for _ in range(3):
            assert await s.heard() == "You are 1 of 1."
            await sleep(1)
        agent = await s.dial(s.bob)
        await s.order(agent, "bridge", queue="support", call_control_id="")
        assert s.hears(s.alice) == ["bob"]
        assert s.at.core.plays[s.at.port_of(s.alice)] == {}
        await sleep(7)
        rounds = len(s.paths)
        await s.hangs_up(s.bob)
        asked = s.told("/left")
        assert (asked["QueueResult"], asked["DialCallDuration"]) == ("bridged", "7")
        assert len(s.paths) == rounds + 1, "nobody waits for the queue any more"
        assert await s.heard() == "So."

    read(script)


def test_a_waiting_call_leaves_by_a_key() -> None:
    async def script(s: Library) -> None:
        wait = "<Gather numDigits='1' action='out'><Say>Press to leave.</Say></Gather>"
        enqueue = "<Enqueue action='left' waitUrl='wait'>support</Enqueue>"
        await s.calls(enqueue, wait=wait, out="<Leave/><Say>never</Say>", left="<Say>Left: {{QueueResult}}.</Say>")
        await s.press("1")
        assert s.told("/left")["QueueResult"] == "leave"
        assert await s.heard() == "Left: leave."

    read(script)


def test_a_call_that_nobody_takes_in_time_goes_on() -> None:
    async def script(s: Library) -> None:
        await s.calls("<Enqueue maxWaitTimeSecs='20'>support</Enqueue><Say>Nobody.</Say>")
        assert 1 in s.at.core.plays[s.at.port_of(s.alice)], "music"
        await sleep(20.2)
        assert await s.heard() == "Nobody."

    read(script)


def test_a_call_takes_the_first_of_a_queue_who_hears_a_document_before() -> None:
    async def script(s: Library) -> None:
        queue = "<Dial action='after'><Queue url='about'>support</Queue></Dial>"
        await s.calls(queue, about="<Say>Your turn.</Say>", after="<Say>Next.</Say>")
        await sleep(3)
        waiting = await s.dial(s.bob)
        await s.order(waiting, "enqueue", queue_name="support")
        await sleep(1.2)
        port = s.at.port_of(s.bob)
        assert s.told("/about")["CallSid"] == waiting
        s.at.core.finish(port)
        await sleep(0.3)
        assert s.hears(s.alice) == ["bob"]
        await s.hangs_up(s.bob)
        assert s.told("/after")["DialBridged"] == "true"
        assert await s.heard() == "Next."

    read(script)


def test_nobody_in_a_queue_is_no_answer() -> None:
    async def script(s: Library) -> None:
        await s.calls("<Dial action='after' timeout='7'><Queue>support</Queue></Dial>", after="<Hangup/>")
        await sleep(7.3)
        assert s.told("/after")["DialCallStatus"] == "no-answer"
        assert s.over

    read(script)


# ---- beside the call -----------------------------------------------------------------------------------------


def test_a_message_is_recorded_until_a_key() -> None:
    async def script(s: Library) -> None:
        await s.calls("<Record action='done' finishOnKey='#' maxLength='30'/>", done="<Say>{{RecordingDuration}}</Say>")
        [id] = s.at.core.recordings
        await s.press("5#")
        assert not s.at.core.recordings
        now = s.at.clock.wall()
        live = s.at.shadow.live[s.leg(s.alice)]
        assert live.about is not None
        urls = {"mp3": "http://files.test/r.mp3"}
        s.documents.heard([RecordingSaved(live.about, now, id, "dual", "mp3", now - 4, now, urls)])
        await sleep(0.2)
        asked = s.told("/done")
        assert (asked["Digits"], asked["RecordingUrl"], asked["RecordingSid"]) == ("#", urls["mp3"], id)
        assert await s.heard() == "4"

    read(script)


def test_a_call_is_recorded_beside_its_document() -> None:
    async def script(s: Library) -> None:
        await s.calls("<Start><Recording channels='mono'/></Start><Say>Hello.</Say><Stop><Recording/></Stop><Pause/>")
        assert len(s.at.core.recordings) == 1
        await s.heard()
        assert not s.at.core.recordings
        assert not s.over

    read(script)


def test_noise_is_taken_away_from_where_a_document_says() -> None:
    async def script(s: Library) -> None:
        await s.calls(
            "<Start><Suppression direction='inbound'/></Start><Say>a</Say><Stop><Suppression/></Stop><Pause/>"
        )
        port = s.at.port_of(s.alice)
        assert s.at.core.denoised[port].tracks == "inbound"
        await s.heard()
        assert s.at.core.denoised[port].tracks is None

    read(script)


def test_what_cannot_be_had_is_passed_over_and_said_to_the_author() -> None:
    async def script(s: Library) -> None:
        s.at.audio.missing.add(f"{APP}/none.wav")
        refer = "<Refer action='r'><Sip>sip:bob@sip.test</Sip></Refer>"
        start = "<Start><Transcription/><Siprec/></Start><Start><Stream url='http://no'/></Start>"
        await s.calls(f"<Pay/><Play>none.wav</Play>{start}{refer}<Say>x</Say>", r="<Say>{{ReferCallStatus}}</Say>")
        assert await s.heard() == "failed"
        remarks = [line for line in s.at.ladder() if "document:" in line]
        assert len(remarks) >= 4
        assert any("<Pay> in <Response> is not known here" in line for line in remarks)

    read(script)


# ---- how documents go on -------------------------------------------------------------------------------------


def test_a_redirect_leads_on_and_nothing_after_it_counts() -> None:
    async def script(s: Library) -> None:
        await s.calls("<Redirect method='GET'>sub/next</Redirect><Say>never</Say>")
        assert s.paths[:2] == ["/voice", "/sub/next"]

    read(script)


@pytest.mark.parametrize(("reason", "bye"), [("busy", "USER_BUSY"), ("rejected", "CALL_REJECTED")])
def test_a_rejected_call_ends_with_its_cause(reason: str, bye: str) -> None:
    async def script(s: Library) -> None:
        await s.calls(f"<Reject reason='{reason}'/>")
        assert bye in s.alice.saw[-1]

    read(script)


def test_a_loop_is_cut_and_the_call_ends_with_a_word() -> None:
    async def script(s: Library) -> None:
        await s.calls("<Redirect>/other</Redirect>", other="<Redirect>/voice</Redirect>")
        assert len(s.paths) == 50
        assert "sorry" in await s.heard()
        [told] = s.events_of(CallHungUp)
        assert (told.ending.cause, told.ending.error) == ("NORMAL_TEMPORARY_FAILURE", "12205")

    read(script)


@pytest.mark.parametrize("broken", [500, 404, "<Say>", "</Response><Response>"])
def test_the_fallback_is_asked_where_a_document_cannot_be_had(broken: str | int) -> None:
    async def script(s: Library) -> None:
        s.pages.documents["/fallback"] = "<Say>Still here.</Say>"
        s.pages.documents["/voice"] = broken
        s.alice.dial("+12025550199")
        await sleep(0.3)
        s.at.connect()
        await sleep(0.1)
        assert s.paths == ["/voice", "/fallback"]
        assert s.told("/fallback")["ErrorUrl"] == f"{APP}/voice"
        assert await s.heard() == "Still here."

    read(script)


def test_without_any_document_the_caller_hears_so_and_the_call_ends() -> None:
    async def script(s: Library) -> None:
        s.alice.dial("+12025550199")
        await sleep(0.3)
        s.at.connect()
        await sleep(0.1)
        assert "sorry" in await s.heard()
        assert s.over
        [told] = s.events_of(CallHungUp)
        assert told.ending.error == "11200"

    read(script)


def test_a_call_that_ends_while_its_document_is_fetched_is_left_alone() -> None:
    async def script(s: Library) -> None:
        s.pages.seconds = 5
        s.pages.documents["/voice"] = "<Redirect>/voice</Redirect>"
        s.alice.dial("+12025550199")
        await sleep(1)
        await s.hangs_up(s.alice)
        await sleep(20)
        assert s.paths == ["/voice"]

    read(script)


def test_a_document_that_never_comes_is_not_waited_for_for_ever() -> None:
    async def script(s: Library) -> None:
        s.pages.documents["/fallback"] = "<Say>Late.</Say>"
        s.alice.dial("+12025550199")
        await sleep(0.3)
        s.at.connect()
        await sleep(0.1)
        assert s.pages.requests[0].seconds == 10.0, "the guarded way keeps to that"
        assert await s.heard() == "Late."

    read(script)


def test_another_document_takes_the_place_of_the_one_at_hand() -> None:
    async def script(s: Library) -> None:
        await s.calls(f"<Dial>{BOB}</Dial>", other="<Say>Other.</Say>")
        await s.picks_up(s.bob)
        live = s.at.shadow.live[s.leg(s.alice)]
        assert live.about is not None
        s.documents.redirect(live.about, Page(f"{APP}/other"))
        await sleep(0.3)
        assert s.bob.saw[-1].startswith("bye")
        assert await s.heard() == "Other."

    read(script)
