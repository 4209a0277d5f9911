"""Category: unit. The command: its errors in one line, exit codes, what it prints and leaves behind."""

import asyncio
import base64
import contextlib
import json
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Literal

import aiohttp
import pytest
import structlog
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from rich.console import Console

from offhook.cli import dev, main, platform
from offhook.cli.demo_backend import listening
from offhook.cli.demo_show import Show, meter
from offhook.cli.dev import banner
from offhook.cli.env import dotenv
from offhook.cli.logs import log_to_stderr
from offhook.client.sinks import Heard
from offhook.errors import CallEnded, ConfigurationError, ConnectFailed, LoginRefused, OffhookError

SETTINGS = {"OFFHOOK_CONSOLE_URL": "http://127.0.0.1:1/", "OFFHOOK_WS_URL": "ws://127.0.0.1:1", "TELNYX_API_KEY": "a b"}


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    for name in ("OFFHOOK_CONSOLE_URL", "OFFHOOK_WS_URL", "OFFHOOK_LOGIN", "OFFHOOK_PASSWORD", "OFFHOOK_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["env"], 78, "no platform is running here"),
        (["trace", "s"], 78, "no platform is running here"),
        (["call", "bob"], 78, "no platform is running here"),
        (["call", "bob", "--url", "ws://127.0.0.1:1", "--login", "ann"], 78, "--login and --password together"),
        (["call", "bob", "--url", "ws://127.0.0.1:1", "--token", "t"], 69, "cannot connect"),
        (["call", "bob", "--play", "/nowhere.wav"], 1, "no such file"),
        (["call", "bob", "--tone", "5", "--play", "x.wav"], 78, "not both"),
        (["dev", "--host", "192.0.2.1"], 78, "loopback"),
        (["dev", "--host", "no such host"], 78, "loopback"),
        (["dev", "--sip-domain", "sip:example.test"], 78, "no domain"),
        (["dev", "--sip-domain", ""], 78, "no domain"),
        (["dev", "--carrier", "sip:somebody@192.0.2.1"], 78, "no gateway"),
        (["dev", "--carrier", "tel:+12025550100"], 78, "no gateway"),
        (["dev", "--webhook-url", "ftp://app.test/"], 78, "not an http or https URL"),
    ],
)
def test_a_failure_is_one_line_and_a_code(
    arguments: list[str], code: int, says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main.run(arguments) == code
    printed = capsys.readouterr()
    assert printed.out == ""
    assert says in printed.err
    assert len(printed.err.splitlines()) == 1


def test_a_wrong_command_line_is_2() -> None:
    assert main.run(["nonsense"]) == 2
    assert main.run(["env", "-o", "xml"]) == 2


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ConfigurationError("x"), 78),
        (LoginRefused(-32001, "x"), 77),
        (ConnectFailed("x"), 69),
        (CallEnded("id", "USER_BUSY", 17), 1),
        (OffhookError("x"), 1),
    ],
)
def test_exit_codes(error: OffhookError, code: int) -> None:
    assert main.exit_code(error) == code


def test_version_names_what_a_bug_report_needs(capsys: pytest.CaptureFixture[str]) -> None:
    assert main.run(["version", "--verbose"]) == 0
    printed = capsys.readouterr().out
    assert printed.startswith("offhook ")
    assert "python" in printed
    assert "aiohttp" in printed


def test_env_reads_what_dev_left(capsys: pytest.CaptureFixture[str], home: Path) -> None:
    platform.remember(SETTINGS)
    assert (home / "offhook" / "dev.json").stat().st_mode & 0o077 == 0
    assert main.run(["env", "-o", "json"]) == 0
    assert json.loads(capsys.readouterr().out) == SETTINGS
    assert main.run(["env"]) == 0
    assert "TELNYX_API_KEY='a b'" in capsys.readouterr().out.splitlines()
    platform.forget({**SETTINGS, "TELNYX_API_KEY": "of another"})
    assert platform.settings() == SETTINGS
    platform.forget(SETTINGS)
    with pytest.raises(ConfigurationError):
        platform.settings()


def test_the_environment_goes_before_dev(monkeypatch: pytest.MonkeyPatch) -> None:
    platform.remember(SETTINGS)
    monkeypatch.setenv("OFFHOOK_CONSOLE_URL", "http://other")
    assert platform.settings()["OFFHOOK_CONSOLE_URL"] == "http://other"
    assert dotenv({"A": "x"}) == "A=x"


def test_a_platform_that_does_not_answer_is_69(capsys: pytest.CaptureFixture[str]) -> None:
    platform.remember(SETTINGS)
    assert main.run(["explain", "bob"]) == 69
    assert "nobody answers" in capsys.readouterr().err


class Started:
    """A platform that is up, as `dev` sees it."""

    env = SETTINGS
    info = {  # noqa: RUF012
        "identities": [{"login": "john1234", "password": "pw", "what": "a credential connection"}],
        "numbers": [{"number": "+15550100", "rings": "john1234"}],
        "scripted_numbers": [{"number": "+15550112", "name": "busy", "does": "is busy"}],
        "carriers": [{"name": "sip:192.0.2.1", "takes": "+"}],
    }

    async def stop(self) -> None:
        """Nothing runs."""


def test_the_banner_is_to_be_copied_and_ends_with_ready() -> None:
    lines = banner(Started()).splitlines()
    assert "OFFHOOK_WS_URL=ws://127.0.0.1:1" in lines
    assert "john1234   password" not in lines
    assert "john1234   pw        a credential connection" in lines
    assert "+15550112       busy  is busy" in lines
    assert "sip:192.0.2.1  +" in lines
    assert any("Emergency calls are not supported" in line for line in lines)
    assert lines[-1] == "Ready."


class Stopped(asyncio.Event):
    """Ctrl-C came before anybody looked."""

    async def wait(self) -> Literal[True]:
        return True


async def test_ready_is_said_when_everything_can_be_read(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    @contextlib.asynccontextmanager
    async def started(**_: object) -> AsyncGenerator[Started, None]:
        yield Started()

    ready_file = home / "ready.json"
    files_at_ready: list[bool] = []

    def said(text: str, **_: object) -> None:
        assert text.endswith("Ready.")
        files_at_ready.extend((ready_file.exists(), platform.state_file().exists()))

    monkeypatch.setattr(dev, "started", started)
    monkeypatch.setattr(dev, "print", said, raising=False)
    monkeypatch.setattr("offhook.cli.logs.log_to_stderr", str)
    monkeypatch.setattr(dev, "rarely_collect_garbage", lambda: None)
    monkeypatch.setattr(dev.asyncio, "Event", Stopped)
    await dev.dev(ready_file=ready_file)
    assert files_at_ready == [True, True]
    assert json.loads(ready_file.read_text()) == SETTINGS
    assert not platform.state_file().exists()


def test_a_traceback_in_the_log_shows_no_variable(capsys: pytest.CaptureFixture[str]) -> None:
    before = structlog.get_config()
    log_to_stderr("info")
    try:
        password = "hush" + "-hush"
        try:
            raise ValueError(len(password))
        except ValueError:
            structlog.get_logger().exception("it failed")
    finally:
        structlog.configure(**before)
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "ValueError: 9" in printed.err
    assert "hush-hush" not in printed.err


# ---- the demo's honesty --------------------------------------------------------------------------------------


def test_the_verdict_is_only_good_if_every_line_was() -> None:
    show = Show(Console(quiet=True))
    assert not show.verdict(1.0), "no claim at all is no success"
    show.heard("ann", Heard(-15.0, 440.2, 0.99), 440.0)
    assert show.verdict(1.0)
    show.heard("ann", Heard(-15.0, 620.0, 0.99), 440.0)
    assert not show.verdict(1.0)
    assert show.broken


def test_a_tone_that_was_not_heard_is_not_true() -> None:
    show = Show(Console(quiet=True))
    show.heard("ann", None, 440.0)
    assert not show.verdict(1.0)


async def test_the_demos_backend_tells_the_platforms_webhooks_from_others() -> None:
    key = Ed25519PrivateKey.generate()
    body = b'{"data":{"event_type":"call.answered","payload":{"call_control_id":"v3:a","state":"answered"}}}'
    signed = base64.b64encode(key.sign(b"1|" + body)).decode()
    attempts = [("1", signed), ("2", signed), ("1", base64.b64encode(bytes(64)).decode()), ("1", "no base64!")]
    async with listening(base64.b64encode(key.public_key().public_bytes_raw()).decode()) as (backend, url):
        async with aiohttp.ClientSession() as http:
            for at, signature in attempts:
                headers = {"telnyx-timestamp": at, "telnyx-signature-ed25519": signature}
                async with http.post(url, data=body, headers=headers) as response:
                    assert response.status == (204 if (at, signature) == attempts[0] else 400)
        assert [each.verified for each in backend.webhooks] == [True, False, False, False]
        assert await backend.told("call.answered", "v3:a") == ("call.answered", "v3:a", "answered", True)


def test_the_meter_grows_with_the_level() -> None:
    lengths = [len(meter(level).strip()) for level in (-90.0, -60.0, -30.0, 0.0)]
    assert lengths == sorted(lengths)
    assert lengths[0] == 0
    assert lengths[-1] == 8
