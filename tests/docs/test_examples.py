"""Category: documentation. Every example runs as a reader would run it, and the README shows nothing else."""

import asyncio
import os
import re
import signal
import socket
import sys
import tomllib
import wave
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from tests.platform_process import Platform

import compat_env
from offhook.cli.dev import DEFAULT_PORT
from offhook.cli.main import COMMANDS

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples"
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"(?:<!-- (?P<file>\S+) -->\n)?```(?P<language>\w+)\n(?P<text>.*?)```", re.DOTALL)
BLOCKS = [found.groupdict() for found in BLOCK.finditer(README)]


@pytest.fixture
async def platform(tmp_path: Path) -> AsyncIterator[Platform]:
    platform = await Platform.start(tmp_path)
    yield platform
    assert await platform.stop() == 0


async def start(name: str, platform: Platform, folder: Path) -> asyncio.subprocess.Process:
    environment = {**os.environ, **platform.env, "PYTHONPATH": str(compat_env.python_packages())}
    return await asyncio.create_subprocess_exec(
        sys.executable, "-W", "error", EXAMPLES / name, cwd=folder, env=environment,
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip


async def output(process: asyncio.subprocess.Process) -> str:
    out, err = await asyncio.wait_for(process.communicate(), 60)
    assert (process.returncode, err.decode()) == (0, "")
    return out.decode()


def seconds_recorded(folder: Path) -> float:
    (recording,) = folder.glob("call-*.wav")
    with wave.open(str(recording)) as heard:
        return heard.getnframes() / heard.getframerate()


async def test_the_first_call_is_heard_on_both_sides(platform: Platform, tmp_path: Path) -> None:
    said = await output(await start("first_call.py", platform, tmp_path))
    assert "jane's phone rings: +12025550101" in said
    assert re.search(r"john hears 6[12]\d Hz", said)
    assert re.search(r"jane hears 4[34]\d Hz", said)
    assert "NORMAL_CLEARING" in said
    found = re.search("offhook trace (.*)", said)
    assert found is not None
    assert sorted(await ladder(platform, found[1])) == sorted(tutorials_ladder())  # when media come up is chance


async def ladder(platform: Platform, session: str) -> list[str]:
    address = f"{platform.env['OFFHOOK_CONSOLE_URL']}_offhook/sessions/{session}/ladder"
    async with aiohttp.ClientSession() as http, http.get(address) as response:
        return (await response.text()).splitlines()


def tutorials_ladder() -> list[str]:
    tutorial = (ROOT / "docs" / "tutorial" / "first-call.md").read_text(encoding="utf-8")
    (block,) = (found["text"] for found in BLOCK.finditer(tutorial) if found["language"] == "text")
    return block.splitlines()


async def test_every_kind_of_sound_is_heard(platform: Platform, tmp_path: Path) -> None:
    said = await output(await start("sounds.py", platform, tmp_path))
    assert [line.partition(":")[0] for line in said.splitlines()] == [
        "a tone", "an array", "a generator", "bytes", "a file",
    ]  # fmt: skip


async def test_the_answering_machine_greets_and_records(platform: Platform, tmp_path: Path) -> None:
    machine = await start("answering_machine.py", platform, tmp_path)
    assert machine.stdout is not None
    assert await machine.stdout.readline() == b"waiting for calls\n"
    caller = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "offhook", "call", "jane5678", "--tone", "440", "--seconds", "2",
        env={**os.environ, **platform.env}, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert "NORMAL_CLEARING" in await output(caller)
    assert (await machine.stdout.readline()).startswith(b"NORMAL_CLEARING: call-")
    machine.send_signal(signal.SIGINT)
    await output(machine)
    assert seconds_recorded(tmp_path) > 1


async def test_an_identity_made_by_the_official_package_can_be_called(platform: Platform, tmp_path: Path) -> None:
    assert "john talks to gencred" in await output(await start("identities.py", platform, tmp_path))


async def test_a_backend_hears_of_a_call_once_and_in_order(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    platform = await Platform.start(tmp_path, "--webhook-url", f"http://127.0.0.1:{port}/hook")
    platform.env["PORT"] = str(port)
    backend = await start("webhooks.py", platform, tmp_path)
    assert backend.stdout is not None
    assert (await backend.stdout.readline()).startswith(b"listening on")
    await output(await start("first_call.py", platform, tmp_path))
    heard: dict[str, list[str]] = {}
    async with asyncio.timeout(30):
        for _ in range(8):
            kind, leg = (await backend.stdout.readline()).decode().split()
            heard.setdefault(leg, []).append(kind)
    assert list(heard.values()) == [["call.initiated", "call.answered", "call.bridged", "call.hangup"]] * 2
    backend.send_signal(signal.SIGINT)
    await backend.communicate()
    assert await platform.stop() == 0


async def test_the_example_of_an_apps_test_passes(tmp_path: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", tmp_path,
        EXAMPLES / "test_my_app.py", cwd=tmp_path, env={**os.environ, "XDG_STATE_HOME": str(tmp_path)},
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert "1 passed" in await output(process)


def test_no_example_is_left_out() -> None:
    source = Path(__file__).read_text(encoding="utf-8")
    assert [path.name for path in EXAMPLES.glob("*.py") if f'"{path.name}"' not in source] == []
    tests = ("test_pattern_one.py", "test_calls_from_outside.py")
    calls = "".join((ROOT / "tests" / "compat" / name).read_text(encoding="utf-8") for name in tests)
    backends = [
        path.relative_to(EXAMPLES).as_posix() for path in (*EXAMPLES.glob("*/app.py"), *EXAMPLES.glob("*/server.js"))
    ]
    assert len(backends) == 2 * len({backend.split("/")[0] for backend in backends})
    assert [path for path in backends if f'"{path}"' not in calls] == []


def test_what_an_example_lets_pip_install_is_what_it_is_tested_with() -> None:
    project = tomllib.loads((ROOT / "tests" / "compat" / "official" / "pyproject.toml").read_text(encoding="utf-8"))
    tested = set(project["project"]["dependencies"])
    wanted = [set(path.read_text(encoding="utf-8").split()) for path in EXAMPLES.glob("*/requirements.txt")]
    assert wanted
    assert all(lines <= tested for lines in wanted)


# ---- the README ----------------------------------------------------------------------------------------------


def test_python_in_the_readme_is_a_file_that_runs() -> None:
    shown = [block for block in BLOCKS if block["language"] == "python"]
    assert shown
    for block in shown:
        assert block["text"] == (ROOT / str(block["file"])).read_text(encoding="utf-8"), block["file"]


def test_commands_in_the_readme_exist() -> None:
    text = "\n".join(str(block["text"]) for block in BLOCKS if block["language"] == "sh")
    targets = set(re.findall(r"^([a-z-]+):.*##", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    assert set(re.findall(r"^make (\S+)", text, re.MULTILINE)) <= targets
    commands = set(re.findall(r"offhook ([a-z]+)", text))
    assert commands
    assert commands <= {name for name, *_ in COMMANDS}
    assert all((ROOT / path).exists() for path in re.findall(r"examples/\S+\.py", text))


async def test_what_the_readme_tells_a_browser_is_what_dev_has(platform: Platform) -> None:
    (block,) = [str(block["text"]) for block in BLOCKS if block["language"] == "js"]
    identity = platform.info["identities"][0]
    assert f'host: "ws://127.0.0.1:{DEFAULT_PORT}"' in block
    assert f'login: "{identity["login"]}"' in block
    assert f'password: "{identity["password"]}"' in block


def test_the_readme_counts_the_ledger_right() -> None:
    ledger = tomllib.loads((ROOT / "tests" / "compat" / "ledger.toml").read_text(encoding="utf-8"))
    tables = [*ledger.pop("commands").values(), *ledger.values()]
    assert f"{counted(tables)}." in " ".join(README.split())


def counted(tables: list[dict[str, Any]]) -> str:
    """The fields of some tables of the ledger, as the README says them; one that is refused in part is honoured."""
    kinds = ("honoured", "later", "ignored", "refused")
    count = {kind: sum(len(fields.get(kind, ())) for fields in tables) for kind in kinds}
    count["refused"] -= sum(len(set(fields["honoured"]) & set(fields.get("refused", ()))) for fields in tables)
    told = f"{count['honoured']} honoured, {count['later']} for SIP legs and trunks"
    return f"{sum(count.values())} fields: {told}, {count['ignored']} ignored, {count['refused']} refused"


def test_links_of_the_readme_lead_somewhere() -> None:
    links = re.findall(r"\]\(([^)#:]+)\)", README)
    assert [link for link in links if not (ROOT / link).exists()] == []
