"""Category: integration. Logins by password and token, what withdraws them, what a stolen database tells (STO-07)."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import jwt
import msgspec
import pytest

from offhook.engine import tokens
from offhook.engine.clock import SystemChance
from offhook.engine.identities import MINTS_BETWEEN_CLEANING
from offhook.engine.platform import Identities
from offhook.engine.ports import LoginRefused
from offhook.engine.seed import DEV_ACCOUNT, DEV_API_KEY, seed
from offhook.engine.vault import Vault, WrongKey
from offhook.voice.binding import Bindings

NOW = 1_700_000_000.0


class StoppedClock:
    """Time that a test sets."""

    def __init__(self) -> None:
        self.now = NOW

    def monotonic(self) -> float:
        return self.now

    def wall(self) -> float:
        return self.now


class Login(msgspec.Struct, frozen=True):
    """Something to log in with."""

    username: str
    password: str
    id: str


class Seen:
    """A seeded platform, a connection of it and a telephony credential under that, and its clock."""

    def __init__(self, identities: Identities, clock: StoppedClock, own: Login, generated: Login) -> None:
        self.identities = identities
        self.logins = identities.logins
        self.clock = clock
        self.own = own
        self.generated = generated

    @classmethod
    async def on(cls, path: Path | None) -> "Seen":
        clock = StoppedClock()
        identities = await Identities.open(path, clock, SystemChance(), Bindings())
        ready = (await seed(identities)).identities[0]
        connection = identities.directory.connection_of_username(ready.login)
        assert connection is not None
        made = await identities.telephony_credentials.create(DEV_ACCOUNT, {"connection_id": connection.id})
        return cls(
            identities,
            clock,
            Login(ready.login, ready.password, connection.id),
            Login(made["sip_username"], made["sip_password"], made["id"]),
        )

    async def token(self) -> str:
        return await self.identities.telephony_credentials.mint(DEV_ACCOUNT, self.generated.id)


@pytest.fixture
async def seen() -> AsyncIterator[Seen]:
    seen = await Seen.on(None)
    yield seen
    await seen.identities.close()


def refuses(seen: Seen, username: str, password: str) -> None:
    with pytest.raises(LoginRefused, match=r"^Login Incorrect$"):
        seen.logins.authenticate_password(username, password)


async def test_three_ways_to_prove_who_one_is(seen: Seen) -> None:
    own = seen.logins.authenticate_password(seen.own.username, seen.own.password)
    generated = seen.logins.authenticate_password(seen.generated.username, seen.generated.password)
    token = seen.logins.authenticate_token(await seen.token())
    assert (own.username, own.credential_id) == ("john1234", None)
    assert generated.username == token.username == seen.generated.username
    assert token.credential_id == generated.credential_id == seen.generated.id
    assert token.token_expires_at == NOW + 24 * 3600
    assert {own.connection_id, generated.connection_id, token.connection_id} == {seen.own.id}


async def test_wrong_unknown_and_endless_passwords_are_refused_alike(seen: Seen) -> None:
    """Case WS-09."""
    refuses(seen, seen.own.username, "wrong")
    refuses(seen, seen.own.username, "")
    refuses(seen, "nobody", "wrong")
    refuses(seen, "nobody", "")
    refuses(seen, seen.own.username, seen.generated.password)
    refuses(seen, seen.own.username, seen.own.password + "x" * 10_000)
    refuses(seen, seen.own.username.upper(), seen.own.password)


async def test_a_deactivated_connection_lets_nobody_in(seen: Seen) -> None:
    token = await seen.token()
    await seen.identities.credential_connections.update(DEV_ACCOUNT, seen.own.id, {"active": False})
    refuses(seen, seen.own.username, seen.own.password)
    refuses(seen, seen.generated.username, seen.generated.password)
    with pytest.raises(LoginRefused):
        seen.logins.authenticate_token(token)


async def test_a_token_is_good_until_its_second(seen: Seen) -> None:
    token = await seen.token()
    seen.clock.now = NOW + 24 * 3600 - 0.5
    seen.logins.authenticate_token(token)
    seen.clock.now = NOW + 24 * 3600
    with pytest.raises(LoginRefused):
        seen.logins.authenticate_token(token)
    seen.clock.now = NOW - 62
    with pytest.raises(LoginRefused):
        seen.logins.authenticate_token(token)


@pytest.mark.parametrize(
    ("claims", "header", "algorithm"),
    [
        ({"aud": "somebody"}, {}, "HS512"),
        ({"iss": "somebody"}, {}, "HS512"),
        ({"typ": "refresh"}, {}, "HS512"),
        ({"sub": "11111111-1111-4111-8111-111111111111"}, {}, "HS512"),
        ({"jti": "never minted"}, {}, "HS512"),
        ({"jti": 7}, {}, "HS512"),
        ({"exp": "soon"}, {}, "HS512"),
        ({"exp": None}, {}, "HS512"),
        ({}, {}, "HS256"),
        ({}, {}, "HS384"),
        ({}, {"alg": "none"}, "none"),
    ],
)
async def test_only_our_own_tokens_prove_anything(
    seen: Seen, claims: dict[str, Any], header: dict[str, Any], algorithm: str
) -> None:
    key = seen.identities.vault.token_key
    body = jwt.decode(
        await seen.token(), key, ["HS512"], {"verify_exp": False}, audience=tokens.AUDIENCE, issuer=tokens.ISSUER
    )
    forged = jwt.encode(body | claims, None if algorithm == "none" else key, algorithm, header)
    with pytest.raises(LoginRefused):
        seen.logins.authenticate_token(forged)


@pytest.mark.parametrize("damage", ["", ".", "a.b.c", "x" * 10_000, "\0", "é.é.é"])
async def test_text_that_is_no_token(seen: Seen, damage: str) -> None:
    with pytest.raises(LoginRefused):
        seen.logins.authenticate_token(damage)


async def test_another_servers_token_is_refused(seen: Seen) -> None:
    claims = tokens.Claims("x", seen.generated.id, int(NOW) + 60)
    with pytest.raises(LoginRefused):
        seen.logins.authenticate_token(tokens.mint(Vault.fresh().token_key, claims, NOW))


async def test_a_stolen_database_tells_no_secret(tmp_path: Path) -> None:
    seen = await Seen.on(tmp_path / "offhook.db")
    token = await seen.token()
    key = await seen.identities.add_api_key(DEV_ACCOUNT)
    await seen.identities.close()
    secrets = [key, DEV_API_KEY, token, token.split(".")[2], seen.own.password, seen.generated.password]
    stolen, key_file = dump(tmp_path)
    assert [secret for secret in secrets if secret.encode() in stolen] == []
    assert seen.generated.username.encode() in stolen
    assert seen.identities.vault.token_key not in stolen
    assert key_file.stat().st_mode & 0o777 == 0o600


def dump(folder: Path) -> tuple[bytes, Path]:
    """Every byte beside the key file."""
    [key_file] = folder.glob("*.key")
    return b"".join(path.read_bytes() for path in folder.iterdir() if path != key_file), key_file


async def test_a_database_comes_back_with_its_identities_and_only_with_its_key(tmp_path: Path) -> None:
    path = tmp_path / "offhook.db"
    first = await Seen.on(path)
    token = await first.token()
    await first.identities.close()
    again = await Identities.open(path, StoppedClock(), SystemChance(), Bindings())
    again.logins.authenticate_password(first.own.username, first.own.password)
    assert again.logins.authenticate_token(token).username == first.generated.username
    assert again.account_of_key(DEV_API_KEY) == DEV_ACCOUNT
    await again.close()
    with pytest.raises(WrongKey, match="key file"):
        await Identities.open(path, StoppedClock(), SystemChance(), Bindings(), vault=Vault.fresh())


def test_a_secret_opens_only_where_it_was_sealed() -> None:
    vault = Vault.fresh()
    sealed = vault.seal("secret", "connections:1")
    assert vault.unseal(sealed, "connections:1") == "secret"
    assert vault.seal("secret", "connections:1") != sealed
    for place, bytes_ in (("connections:2", sealed), ("connections:1", sealed[:-1]), ("connections:1", b"")):
        with pytest.raises(WrongKey):
            vault.unseal(bytes_, place)


async def test_seeding_again_changes_nothing(seen: Seen) -> None:
    before = await seen.identities.store.load("connections")
    seeded = await seed(seen.identities)
    assert await seen.identities.store.load("connections") == before
    rings = {number.number: number.rings for number in seeded.numbers}
    for number, username in rings.items():
        card = seen.identities.directory.number(number)
        connection = seen.identities.directory.connection(card.connection_id or "") if card else None
        assert (connection.username if connection else "nobody yet") == username


async def test_expired_tokens_are_forgotten_in_time(seen: Seen) -> None:
    for _ in range(MINTS_BETWEEN_CLEANING - 1):
        await seen.token()
    seen.clock.now = NOW + 25 * 3600
    fresh = await seen.token()
    assert len(await seen.identities.store.load("tokens")) == 1
    seen.logins.authenticate_token(fresh)
