"""Category: wire. Digest authentication: the RFCs' examples, both roles, and what must be refused (case SIP-09)."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from offhook.wire.digest import (
    Algorithm,
    Challenge,
    Credentials,
    choose,
    expected,
    parse_challenge,
    parse_credentials,
    proves,
    respond_to,
    secret_of,
)
from offhook.wire.digest_nonce import LIFETIME, Authenticator, Verdict
from offhook.wire.sip_grammar import Malformed

REALM, SOURCE, URI = "sip.example.com", "192.0.2.7", "sip:sip.example.com"
NOW = 1_800_000_000.5
both = pytest.mark.parametrize("algorithm", list(Algorithm))
lines = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\n"), max_size=20)


def authenticator(**options: bytes) -> Authenticator:
    return Authenticator(options.get("key", b"k" * 32))


def challenged(server: Authenticator, algorithm: Algorithm, now: float = NOW) -> Challenge:
    return next(each for each in server.challenges(REALM, SOURCE, now, "5a17") if each.algorithm is algorithm)


def answer_of(challenge: Challenge, password: str = "secret", method: str = "REGISTER", count: int = 1) -> Credentials:
    answer = respond_to(challenge, "john1234", password, method, URI, "cnonce", count)
    read = parse_credentials(str(answer))
    assert read == answer
    return answer


def judged(
    server: Authenticator,
    credentials: Credentials,
    *,
    user: bool = True,
    method: str = "REGISTER",
    uri: str = URI,
    realm: str = REALM,
    source: str = SOURCE,
    now: float = NOW + 1,
) -> Verdict:
    secret = secret_of(credentials.algorithm or Algorithm.MD5, "john1234", REALM, "secret") if user else None
    return server.judge(credentials, secret, method, uri, realm, source, now)


class TestExamples:
    @pytest.mark.parametrize(
        ("algorithm", "response"),
        [
            (Algorithm.MD5, "8ca523f5e9506fed4657c9700eebdbec"),
            (Algorithm.SHA256, "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
        ],
    )
    def test_rfc_7616_section_3_9_1(self, algorithm: Algorithm, response: str) -> None:
        text = (
            'Digest username="Mufasa", realm="http-auth@example.org", uri="/dir/index.html", '
            f"algorithm={algorithm.value}, "
            'nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", nc=00000001, '
            'cnonce="f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ", qop=auth, '
            f'response="{response}", opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"'
        )
        credentials = parse_credentials(text)
        assert credentials is not None
        secret = secret_of(algorithm, "Mufasa", "http-auth@example.org", "Circle of Life")
        assert expected(credentials, secret, "GET") == response
        assert proves(credentials, secret, "GET")

    def test_rfc_2617_section_3_5(self) -> None:
        challenge = parse_challenge(
            'Digest realm="testrealm@host.com", qop="auth,auth-int", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093", '
            'opaque="5ccc069c403ebaf9f0171e9517f40e41"'
        )
        assert challenge is not None
        answer = respond_to(challenge, "Mufasa", "Circle Of Life", "GET", "/dir/index.html", "0a4f113b")
        assert answer.response == "6629fae49393a05397450978507c4ef1"
        assert answer.opaque == "5ccc069c403ebaf9f0171e9517f40e41"

    def test_rfc_2069_servers_that_know_no_qop(self) -> None:
        """Its own example is wrong; this is the one of its errata (RFC 2069 section 2.4, erratum 749)."""
        challenge = Challenge("testrealm@host.com", "dcd98b7102dd2f0e8b11d0f600bfb0c093", qop=())
        answer = respond_to(challenge, "Mufasa", "CircleOfLife", "GET", "/dir/index.html", "unused")
        assert answer.response == "1949323746fe6a43ef61f9606e7febea"
        assert "qop" not in str(answer)


class TestText:
    @given(st.builds(Challenge, lines, lines, st.sampled_from(Algorithm), st.just(("auth",)), st.booleans()))
    def test_challenges_are_read_as_they_were_written(self, challenge: Challenge) -> None:
        assert parse_challenge(str(challenge)) == challenge

    @given(lines, lines, lines)
    def test_credentials_are_read_as_they_were_written(self, username: str, realm: str, nonce: str) -> None:
        """Nulls, quotes and backslashes too."""
        answer = respond_to(Challenge(realm, nonce), username, "p", "INVITE", "sip:a@b", "c", 255)
        assert parse_credentials(str(answer)) == answer

    def test_another_scheme_is_none(self) -> None:
        assert parse_credentials("NoOneKnowsThisScheme opaque-data=here") is None
        assert parse_challenge('Basic realm="x"') is None

    @pytest.mark.parametrize(
        "text",
        ["Digest", "Digest a", 'Digest username="a", username="b"', 'Digest username="a', 'Digest realm="r"'],
    )
    def test_broken_text(self, text: str) -> None:
        with pytest.raises(Malformed):
            parse_credentials(text)

    @pytest.mark.parametrize("count", ["-1", "100000000", "x", "000000001", "1_1", "+1", ""])
    def test_counts_that_are_none(self, count: str) -> None:
        answer = respond_to(Challenge("r", "n"), "u", "p", "INVITE", "sip:a", "c")
        with pytest.raises(Malformed):
            parse_credentials(str(answer).replace("nc=00000001", f"nc={count}"))


class TestClient:
    def test_the_first_challenge_that_it_can_answer_is_chosen(self) -> None:
        new = Challenge("r", "n", None)
        signed = Challenge("r", "n", qop=("auth-int",))
        strong, weak = Challenge("r", "n", Algorithm.SHA256), Challenge("r", "n")
        assert choose([new, signed, strong, weak]) is strong
        assert choose([new, signed]) is None

    def test_no_password_goes_to_another_realm(self) -> None:
        assert choose([Challenge("evil", "n"), Challenge("ours", "n")], "ours") == Challenge("ours", "n")
        assert choose([Challenge("evil", "n")], "ours") is None


class TestServer:
    @both
    def test_the_right_answer_is_accepted(self, algorithm: Algorithm) -> None:
        server = authenticator()
        assert judged(server, answer_of(challenged(server, algorithm))) is Verdict.ACCEPTED

    def test_challenges_come_in_the_order_that_was_asked_for(self) -> None:
        for order in ([Algorithm.SHA256, Algorithm.MD5], [Algorithm.MD5, Algorithm.SHA256], [Algorithm.SHA256]):
            challenges = Authenticator(b"k", order).challenges(REALM, SOURCE, NOW, "5a17")
            assert [challenge.algorithm for challenge in challenges] == order
            assert len({challenge.nonce for challenge in challenges}) == 1

    @both
    def test_a_phone_that_answered_is_asked_the_same_again(self, algorithm: Algorithm) -> None:
        server = authenticator()
        wrong = answer_of(challenged(server, algorithm), "guess")
        assert judged(server, wrong) is Verdict.WRONG
        (again,) = server.challenges(REALM, SOURCE, NOW, "5a17", wrong, Verdict.WRONG)
        assert (again.algorithm, again.stale) == (algorithm, False)

    def test_only_a_right_answer_to_an_old_nonce_is_stale(self) -> None:
        server = authenticator()
        challenge = challenged(server, Algorithm.MD5)
        late = NOW + LIFETIME
        assert judged(server, answer_of(challenge), now=late) is Verdict.STALE
        assert judged(server, answer_of(challenge, "guess"), now=late) is Verdict.WRONG
        (again,) = server.challenges(REALM, SOURCE, late, "5a17", answer_of(challenge), Verdict.STALE)
        assert again.stale
        assert judged(server, answer_of(again), now=late) is Verdict.ACCEPTED

    def test_a_count_is_good_once_and_only_upwards(self) -> None:
        server = authenticator()
        challenge = challenged(server, Algorithm.SHA256)
        verdicts = [judged(server, answer_of(challenge, count=count)) for count in (2, 2, 1, 3, 0)]
        replayed = Verdict.REPLAYED
        assert verdicts == [Verdict.ACCEPTED, replayed, replayed, Verdict.ACCEPTED, replayed]

    def test_a_captured_answer_is_good_for_nothing_else(self) -> None:
        server = authenticator()
        captured = answer_of(challenged(server, Algorithm.MD5))
        assert judged(server, captured, method="INVITE") is Verdict.WRONG
        assert judged(server, captured, uri="sip:elsewhere.example.com") is Verdict.NOT_OURS
        assert judged(server, captured, uri="sip:bob@sip.example.com") is Verdict.NOT_OURS
        assert judged(server, captured, realm="other.example.com") is Verdict.NOT_OURS
        assert judged(server, captured, source="198.51.100.1") is Verdict.NOT_OURS
        assert judged(authenticator(key=b"another node"), captured) is Verdict.NOT_OURS
        assert judged(server, captured, uri="sip:SIP.example.com:5060;transport=tcp") is Verdict.ACCEPTED

    def test_what_was_not_asked_for_is_no_answer(self) -> None:
        strict = Authenticator(b"k" * 32, [Algorithm.SHA256])
        weak = respond_to(
            msgspec.structs.replace(challenged(strict, Algorithm.SHA256), algorithm=Algorithm.MD5),
            *("john1234", "secret", "REGISTER", URI, "cnonce"),
        )
        assert judged(strict, weak) is Verdict.NOT_OURS
        server = authenticator()
        without_qop = msgspec.structs.replace(challenged(server, Algorithm.MD5), qop=())
        assert judged(server, answer_of(without_qop)) is Verdict.NOT_OURS
        unknown = msgspec.structs.replace(answer_of(challenged(server, Algorithm.MD5)), algorithm=None)
        assert judged(server, unknown) is Verdict.NOT_OURS

    @pytest.mark.parametrize("nonce", ["", "x", "6b49d20", "é" * 40, "0" * 44])
    def test_forged_nonces(self, nonce: str) -> None:
        server = authenticator()
        forged = msgspec.structs.replace(challenged(server, Algorithm.MD5), nonce=nonce)
        assert judged(server, answer_of(forged)) is Verdict.NOT_OURS

    def test_users_that_do_not_exist_look_like_wrong_passwords(self) -> None:
        server = authenticator()
        assert judged(server, answer_of(challenged(server, Algorithm.MD5)), user=False) is Verdict.WRONG

    def test_only_successes_are_remembered_and_not_for_long(self) -> None:
        server = authenticator()
        for salt in range(100):
            challenge = server.challenges(REALM, SOURCE, NOW, f"{salt:04x}")[0]
            judged(server, answer_of(challenge, "guess"))
        assert len(server) == 0
        for salt in range(100):
            judged(server, answer_of(server.challenges(REALM, SOURCE, NOW, f"{salt:04x}")[0]))
        assert len(server) == 100
        later = challenged(server, Algorithm.MD5, NOW + LIFETIME)
        assert judged(server, answer_of(later), now=NOW + LIFETIME) is Verdict.ACCEPTED
        assert len(server) == 1
