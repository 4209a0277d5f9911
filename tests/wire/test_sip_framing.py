"""Category: wire. Where SIP messages begin and end: datagrams, streams split anywhere, keep-alives, bounds."""

from hypothesis import given
from hypothesis import strategies as st

from offhook.wire.sip_admission import Refused, answer
from offhook.wire.sip_framing import MAX_BODY, MAX_HEAD, Item, KeepAlive, Stream, Unframed, read_datagram
from offhook.wire.sip_message import write

from .sip import request

MESSAGE = write(request(body=b"v=0\r\n\r\n"))
BROKEN = MESSAGE.replace(b"From:", b"From;")


def heard(*pieces: bytes) -> list[Item]:
    stream = Stream()
    return [item for piece in pieces for item in stream.receive(piece)]


class TestStream:
    @given(st.lists(st.sampled_from([MESSAGE, write(request("OPTIONS")), b"\r\n", b"\r\n\r\n"]), max_size=5), st.data())
    def test_any_split_makes_the_same_items(self, parts: list[bytes], data: st.DataObject) -> None:
        octets = b"".join(parts)
        cuts = sorted(data.draw(st.lists(st.integers(0, len(octets)), max_size=8)))
        pieces = [octets[start:end] for start, end in zip([0, *cuts], [*cuts, len(octets)], strict=True)]
        assert heard(*pieces) == heard(octets)

    def test_every_split_of_two_messages(self) -> None:
        octets = MESSAGE + b"\r\n" + MESSAGE
        expected = [request(body=b"v=0\r\n\r\n"), KeepAlive.PONG, request(body=b"v=0\r\n\r\n")]
        for cut in range(len(octets)):
            assert heard(octets[:cut], octets[cut:]) == expected

    def test_a_ping_is_told_when_its_second_half_is_there(self) -> None:
        assert heard(b"\r\n", b"\r\n", b"\r\n\r\n") == [KeepAlive.PONG, KeepAlive.PING, KeepAlive.PONG, KeepAlive.PING]

    def test_pending_counts_what_waits(self) -> None:
        stream = Stream()
        assert stream.pending == 0
        stream.receive(MESSAGE[:-7])
        assert stream.pending == 1
        stream.receive(MESSAGE[-7:] + b"INV")
        assert stream.pending == 3

    def test_after_a_header_that_cannot_be_read_nothing_is(self) -> None:
        (lost,) = heard(BROKEN + MESSAGE, MESSAGE)
        assert isinstance(lost, Unframed)
        assert lost.status == 400

    def test_a_message_that_is_only_wrong_costs_no_connection(self) -> None:
        wrong = write(request(cseq="x"))
        items = heard(wrong + MESSAGE)
        assert [type(item) for item in items] == [Refused, type(request())]

    def test_a_stream_needs_the_length(self) -> None:
        (lost,) = heard(MESSAGE.replace(b"Content-Length: 7\r\n", b""))
        assert isinstance(lost, Unframed)
        response = answer(lost, "tag")
        assert response is not None
        assert response.reason == "Content-Length is missing"

    def test_bounds_hold_however_it_comes(self) -> None:
        endless = b"OPTIONS sip:a SIP/2.0\r\nX: " + b"x" * (2 * MAX_HEAD)
        pieces = [endless[at : at + 1000] for at in range(0, len(endless), 1000)]
        for (lost,) in (heard(endless), heard(*pieces), heard(endless + b"\r\n\r\n")):
            assert isinstance(lost, Unframed)
            assert lost.status == 513

    def test_a_body_that_is_too_large_is_refused_before_it_comes(self) -> None:
        (lost,) = heard(MESSAGE.replace(b"Content-Length: 7", b"Content-Length: %d" % (MAX_BODY + 1)))
        assert isinstance(lost, Unframed)
        response = answer(lost, "tag")
        assert response is not None
        assert response.status == 513


class TestDatagram:
    def test_line_ends_and_nulls_are_only_life(self) -> None:
        assert [read_datagram(octets) for octets in (b"\r\n\r\n", b"\0", b"\0\0\0\0", b"")] == [None] * 4

    def test_line_ends_before_a_message_are_skipped(self) -> None:
        assert read_datagram(b"\r\n" + MESSAGE) == request(body=b"v=0\r\n\r\n")

    def test_the_body_is_what_content_length_says(self) -> None:
        assert read_datagram(MESSAGE + b"more") == request(body=b"v=0\r\n\r\n")
        assert isinstance(read_datagram(MESSAGE[:-1]), Refused)

    def test_without_a_length_the_body_is_the_rest(self) -> None:
        assert read_datagram(MESSAGE.replace(b"Content-Length: 7\r\n", b"")) == request(body=b"v=0\r\n\r\n")
