"""Category: scenario. Every call script in `calls/` is played in turned time, and its ladder compared."""

from pathlib import Path

import pytest

from offhook.testing.clock import run
from offhook.testing.script import parse

from .exchange import Exchange, exchange

SCRIPTS = sorted((Path(__file__).parent / "calls").glob("*.call"))


def assert_all_is_over(played: Exchange) -> None:
    """Every ended leg has one record, and nothing is left of any: no port, no shadow row, no session."""
    assert not played.shadow.live
    assert not played.core.open_ports
    assert not len(played.active)
    assert not played.switchboard.owners.sessions
    assert not played.switchboard.owners.ports
    legs = [record.ids.call_leg_id for record in played.shadow.records]
    assert len(legs) == len(set(legs)) > 0


@pytest.mark.parametrize("file", SCRIPTS, ids=lambda file: file.stem)
def test_everybody_sees_what_the_script_says(file: Path) -> None:
    script = parse(file.read_text())

    async def play() -> list[str]:
        async with exchange() as played:
            stage = played.stage()
            await stage.play(script.steps)
            assert_all_is_over(played)
            assert all(reply.outcome is not None for reply in stage.replies)
            return played.ladder()

    assert run(play()) == script.saw


def test_there_are_scripts() -> None:
    assert len(SCRIPTS) >= 20
