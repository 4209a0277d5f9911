"""Category: wire. SIP, SIPS and TEL URIs: round trips, escapes, bounds, and which are the same (RFC 3261 §19.1)."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offhook.wire.sip_grammar import Malformed
from offhook.wire.sip_uri import MAX_URI, OtherUri, SipUri, TelUri, equivalent, parse_uri

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
names = st.text(string.ascii_lowercase + string.digits + "-.", min_size=1, max_size=12)
params = st.lists(st.tuples(names, st.none() | texts.filter(bool)), max_size=4).map(tuple)
hosts = st.text(string.ascii_letters + string.digits + "-._", min_size=1, max_size=20) | st.ip_addresses().map(str)
sip_uris = st.builds(
    SipUri,
    host=hosts,
    user=st.none() | texts.filter(bool),
    port=st.none() | st.integers(0, 65535),
    params=params,
    scheme=st.sampled_from(["sip", "sips"]),
)


@given(sip_uris)
def test_what_is_written_is_read_as_it_was(uri: SipUri) -> None:
    assert parse_uri(str(uri)) == uri


@pytest.mark.parametrize(
    ("text", "uri"),
    [
        ("sip:alice@example.com", SipUri("example.com", "alice")),
        ("SIPS:a:b@[::1]:5061;lr", SipUri("::1", "a", 5061, (("lr", None),), "sips", "b")),
        ("sip:*8#@pbx_1", SipUri("pbx_1", "*8#")),
        ("sip:h?Subject=x&Priority=urgent", SipUri("h", headers="Subject=x&Priority=urgent")),
        ("tel:+1-(201)-555.0123;ext=7", TelUri("+12015550123", (("ext", "7"),))),
        ("urn:service:sos", OtherUri("urn", "service:sos")),
    ],
)
def test_readings(text: str, uri: SipUri) -> None:
    assert parse_uri(text) == uri
    assert parse_uri(str(uri)) == uri


@pytest.mark.parametrize(
    "text",
    [
        "",
        "sip:",
        "sip:a b@c",
        "sip:a@",
        "sip:h:65536",
        "sip:h;;lr",
        "sip:2001:db8::1",
        "sip:%ff@h",
        "tel:",
        "<sip:h>",
        "h",
    ],
)
def test_what_is_none(text: str) -> None:
    with pytest.raises(Malformed) as caught:
        parse_uri(text)
    assert caught.value.status == 400


def test_a_uri_that_is_too_long_is_414() -> None:
    parse_uri("sip:" + "h" * (MAX_URI - 4))
    with pytest.raises(Malformed) as caught:
        parse_uri("sip:" + "h" * (MAX_URI - 3))
    assert caught.value.status == 414


class TestEquivalence:
    """The examples of RFC 3261 section 19.1.4."""

    @pytest.mark.parametrize(
        ("one", "other"),
        [
            ("sip:%61lice@atlanta.com;transport=TCP", "sip:alice@AtLanTa.CoM;Transport=tcp"),
            ("sip:carol@chicago.com", "sip:carol@chicago.com;newparam=5"),
            ("sip:carol@chicago.com;security=on", "sip:carol@chicago.com;newparam=5"),
            (
                "sip:biloxi.com;transport=tcp;method=REGISTER?to=sip:bob%40biloxi.com",
                "sip:biloxi.com;method=REGISTER;transport=tcp?to=sip:bob%40biloxi.com",
            ),
            (
                "sip:alice@atlanta.com?subject=project%20x&priority=urgent",
                "sip:alice@atlanta.com?priority=urgent&subject=project%20x",
            ),
        ],
    )
    def test_same(self, one: str, other: str) -> None:
        assert equivalent(parse_uri(one), parse_uri(other))

    @pytest.mark.parametrize(
        ("one", "other"),
        [
            ("SIP:ALICE@AtLanTa.CoM;Transport=udp", "sip:alice@AtLanTa.CoM;Transport=UDP"),
            ("sip:bob@biloxi.com", "sip:bob@biloxi.com:5060"),
            ("sip:bob@biloxi.com", "sip:bob@biloxi.com;transport=udp"),
            ("sip:bob@biloxi.com", "sip:bob@biloxi.com:6000;transport=tcp"),
            ("sip:carol@chicago.com", "sip:carol@chicago.com?Subject=next%20meeting"),
            ("sip:bob@phone21.boxesbybob.com", "sip:bob@192.0.2.4"),
            ("sip:carol@chicago.com;security=on", "sip:carol@chicago.com;security=off"),
            ("sip:alice@atlanta.com", "sips:alice@atlanta.com"),
        ],
    )
    def test_different(self, one: str, other: str) -> None:
        assert not equivalent(parse_uri(one), parse_uri(other))


class TestRemembering:
    """What was read once is not read again, and what cannot be read is refused each time."""

    def test_short_texts_are_read_once(self) -> None:
        assert parse_uri("sip:alice@example.com") is parse_uri("sip:alice@example.com")

    def test_long_ones_each_time(self) -> None:
        text = f"sip:{'a' * 300}@example.com"
        assert parse_uri(text) is not parse_uri(text)
        assert parse_uri(text) == parse_uri(text)

    def test_malformed_ones_are_refused_each_time(self) -> None:
        for _ in range(2):
            with pytest.raises(Malformed):
                parse_uri("sip:")
