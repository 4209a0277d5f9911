"""Category: integration. The command against a running `offhook dev`: calls, what they record, what is told of them."""

import asyncio
import os
import sys
import wave
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.platform_process import Platform

from offhook import Client, Ear, Tone
from offhook.client.script import Phone, answer, ignore, listen, reject, then


@pytest.fixture
async def platform(tmp_path: Path) -> AsyncIterator[Platform]:
    platform = await Platform.start(tmp_path)
    yield platform
    assert await platform.stop() == 0


async def command(platform: Platform, *arguments: str) -> tuple[int, str, str]:
    """(exit code, stdout, stderr) of one `offhook` command."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "offhook.cli.main", *arguments,
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        env={**os.environ, **platform.env},
    )  # fmt: skip
    out, err = await process.communicate()
    assert process.returncode is not None
    return process.returncode, out.decode(), err.decode()


def client(platform: Platform, index: int) -> Client:
    identity = platform.info["identities"][index]
    return Client(platform.ws_url, login=identity["login"], password=identity["password"])


async def test_a_call_plays_records_and_can_be_traced(platform: Platform, tmp_path: Path) -> None:
    ear, recording = Ear(), tmp_path / "heard.wav"
    callee = platform.info["identities"][1]["login"]
    async with Phone(client(platform, 1), then(listen(ear), answer(Tone(700)), ignore())) as phone:
        calling = asyncio.create_task(
            command(platform, "call", callee, "--tone", "500", "--seconds", "2", "--record", str(recording))
        )
        await ear.hears_tone(500)
        code, out, err = await calling
        assert (code, err) == (0, "")
        assert {"early media", "ringing", "answered"} <= set(out.splitlines())
        assert "700 Hz" in out
        session = phone.calls[0].ids.session
        code, why, _ = await command(platform, "explain", callee)
        assert code == 0
        assert "$0.002" in why
    with wave.open(str(recording)) as heard:
        assert heard.getnframes() / heard.getframerate() > 1
    code, ladder, _ = await command(platform, "trace", session)
    assert code == 0
    assert f" >< {callee}" in ladder


async def test_numbers_that_do_something_are_listed_explained_and_answered(platform: Platform) -> None:
    numbers = dict(each.split("=") for each in platform.env["OFFHOOK_NUMBERS"].split(","))
    assert numbers == {each["name"]: each["number"] for each in platform.info["scripted_numbers"]}
    code, why, _ = await command(platform, "explain", numbers["busy"])
    assert code == 0
    assert "a scripted number: is busy" in why
    assert "$0.005 for the dialled one (sip-trunking to +1)" in why
    code, out, _ = await command(platform, "call", numbers["tone"], "--tone", "500", "--seconds", "1")
    assert code == 0
    assert "440 Hz" in out
    code, _, err = await command(platform, "call", numbers["busy"])
    assert (code, "USER_BUSY" in err) == (1, True)


async def test_refusals_are_one_line_each(platform: Platform) -> None:
    callee = platform.info["identities"][1]["login"]
    async with Phone(client(platform, 1), reject()):
        busy, unknown, wrong, session = await asyncio.gather(
            command(platform, "call", callee),
            command(platform, "call", "nobody-of-that-name"),
            command(platform, "call", callee, "--login", "x", "--password", "y"),
            command(platform, "trace", "no-such-session"),
        )
    assert (busy[0], unknown[0], wrong[0], session[0]) == (1, 1, 77, 1)
    assert "USER_BUSY" in busy[2]
    assert all(len(err.splitlines()) == 1 for _, _, err in (busy, unknown, wrong, session))
    assert "ask why: offhook explain nobody-of-that-name" in unknown[1]
    assert "ask why" not in busy[1]


@pytest.mark.parametrize("index", [0, 1])
async def test_a_number_is_called_by_somebody_else_than_its_owner(platform: Platform, index: int) -> None:
    owner = platform.info["identities"][index]["login"]
    number = platform.info["numbers"][index]
    assert number["rings"] == owner
    _, _, unregistered = await command(platform, "call", number["number"])
    assert "USER_NOT_REGISTERED" in unregistered
    async with Phone(client(platform, index), then(answer(), ignore())) as phone:  # a login as its owner would ring
        for destination in (number["number"], number["number"].removeprefix("+1"), f"sip:{owner}@sip.telnyx.com"):
            code, _, err = await command(platform, "call", destination, "--seconds", "0")
            assert (code, err) == (0, "")
        assert len(phone.calls) == 3


async def test_explain_counts_the_caller_in(platform: Platform) -> None:
    john, jane = (identity["login"] for identity in platform.info["identities"])
    async with Phone(client(platform, 1), ignore()):
        code, said, _ = await command(platform, "explain", jane, "--from", john)
        assert (code, said.startswith(f"{jane} rings {jane}")) == (0, True)
    code, _, err = await command(platform, "explain", jane, "--from", "nobody")
    assert code == 1
    assert "nobody can log in as nobody" in err


async def test_a_platform_on_localhost_with_a_domain_of_its_own(tmp_path: Path) -> None:
    platform = await Platform.start(tmp_path, "--host", "localhost", "--sip-domain", "Voice.Example.test")
    try:
        assert platform.env["OFFHOOK_SIP_DOMAIN"] == "voice.example.test"
        jane = platform.info["identities"][1]["login"]
        async with Phone(client(platform, 1), then(answer(), ignore())) as phone:
            for domain in ("voice.example.test", "sip.telnyx.com", "sip.telnyx.eu"):
                code, _, err = await command(platform, "call", f"sip:{jane}@{domain}", "--seconds", "0")
                assert (code, err) == (0, "")
            assert len(phone.calls) == 3
        code, _, err = await command(platform, "call", f"{jane}@sip.example.org")
        assert code == 1
        assert "UNALLOCATED_NUMBER" in err
    finally:
        assert await platform.stop() == 0


async def test_a_file_that_is_no_sound_rings_nobody(platform: Platform, tmp_path: Path) -> None:
    (tmp_path / "noise.wav").write_bytes(b"no sound" * 20)
    async with Phone(client(platform, 1), ignore()) as phone:
        callee = platform.info["identities"][1]["login"]
        code, _, err = await command(platform, "call", callee, "--play", str(tmp_path / "noise.wav"))
        assert code == 1
        assert "noise.wav" in err
        assert not phone.calls


async def test_a_taken_port_is_a_mistake_of_configuration(platform: Platform) -> None:
    port = platform.ws_url.rpartition(":")[2].rstrip("/")
    code, out, err = await command(platform, "dev", "--port", port)
    assert (code, out) == (78, "")
    assert f"port {port} is in use" in err


async def test_a_database_that_is_none_is_a_mistake_of_configuration(platform: Platform, tmp_path: Path) -> None:
    (tmp_path / "not.db").write_text("this is no database, and long enough to be looked at as one " * 100)
    code, out, err = await command(platform, "dev", "--port", "0", "--db", str(tmp_path / "not.db"))
    assert (code, out) == (78, "")
    assert len(err.splitlines()) == 1
