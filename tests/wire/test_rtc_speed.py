"""Category: wire. The browser SDK's speed test (browser-sdk §1): text frames beside JSON-RPC."""

from offhook.wire.rtc_speed import MAX_DOWN_KIB

from .pair import logged_in_server, server

LOAD = "#SPB " + "." * 1024


def test_both_directions_are_timed() -> None:
    connection = logged_in_server()
    for text, now in (("#SPU 2048", 1.0), (LOAD, 1.1), (LOAD, 1.2), ("#SPE", 1.25)):
        assert connection.receive(text, now) == []
    up, *load, ping = connection.frames()
    assert up == b"#SPU250"
    assert load == [LOAD.encode()] * 2
    assert b"telnyx_rtc.ping" in ping
    connection.receive('{"id":"own","method":"telnyx_rtc.ping"}', 1.75)
    pong, down = connection.frames()
    assert b"PONG" in pong
    assert down == b"#SPD500"
    connection.receive('{"id":"own","method":"telnyx_rtc.ping"}', 2.0)
    assert len(connection.frames()) == 1


def test_what_comes_back_is_bounded_and_its_time_scaled() -> None:
    connection = logged_in_server()
    for text in ("#SPU 1", *[LOAD] * (2 * MAX_DOWN_KIB), "#SPE"):
        connection.receive(text, 1.0)
    assert len(connection.frames()) == 1 + MAX_DOWN_KIB + 1
    connection.receive('{"id":"own","method":"telnyx_rtc.ping"}', 2.0)
    assert connection.frames()[-1] == b"#SPD2000"


def test_strangers_and_senseless_orders_get_nothing() -> None:
    connection = server()
    for text in ("#SPU 1", LOAD, "#SPE"):
        connection.receive(text, 1.0)
    assert connection.frames() == []
    connection = logged_in_server()
    for text in ("#SPE", "#SP", "#SPX", "#SPU", "#SPE"):
        connection.receive(text, 1.0)
    assert connection.frames() == []
