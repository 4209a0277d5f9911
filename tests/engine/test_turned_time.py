"""Category: engine. A turned clock moves only when nothing else can, and then at once."""

import asyncio
import threading
import time

import pytest

from offhook.engine.clock import SystemChance, SystemClock
from offhook.engine.idle import Idle
from offhook.testing.clock import LoopClock, Stuck, TurnedLoop, run


def test_an_hour_passes_at_once_and_timers_ring_in_order() -> None:
    async def main() -> list[tuple[str, float]]:
        rang: list[tuple[str, float]] = []
        loop = asyncio.get_running_loop()

        async def wait(name: str, seconds: float) -> None:
            await asyncio.sleep(seconds)
            rang.append((name, loop.time()))

        await asyncio.gather(wait("hour", 3600), wait("minute", 60), wait("second", 1))
        return rang

    began = time.monotonic()
    assert run(main()) == [("second", 1.0), ("minute", 60.0), ("hour", 3600.0)]
    assert time.monotonic() - began < 1


def test_the_clock_waits_for_a_thread_that_reports_to_the_idle_counter() -> None:
    idle = Idle()

    async def main() -> float:
        loop = asyncio.get_running_loop()
        done = loop.create_future()
        go = threading.Event()

        def work() -> None:
            go.wait()
            loop.call_soon_threadsafe(finish)

        def finish() -> None:
            done.set_result(loop.time())
            idle.report(-1)

        idle.report(+1)
        thread = threading.Thread(target=work)
        thread.start()
        loop.call_later(10, done.cancel)
        loop.call_soon(go.set)
        finished_at = await done
        thread.join()
        return finished_at

    assert run(main(), idle) == 0.0


def test_the_clock_waits_for_executor_jobs_by_itself() -> None:
    async def main() -> float:
        loop = asyncio.get_running_loop()
        go = threading.Event()
        loop.call_soon(go.set)
        async with asyncio.timeout(10):
            await loop.run_in_executor(None, go.wait)
        return loop.time()

    assert run(main()) == 0.0


def test_work_that_raises_is_at_an_end_too() -> None:
    idle = Idle()

    def fails() -> None:
        with idle.working():
            assert not idle.quiet
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fails()
    assert idle.quiet


def test_waiting_for_what_cannot_happen_is_an_error_and_no_hang() -> None:
    async def main() -> None:
        await asyncio.get_running_loop().create_future()

    loop = TurnedLoop()
    task = loop.create_task(main())
    with pytest.raises(Stuck):
        loop.run_until_complete(task)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        loop.run_until_complete(task)
    loop.close()


def test_driven_media_moves_in_steps_of_20_ms_while_ports_are_open() -> None:
    class Media:
        ports = 1

        def __init__(self) -> None:
            self.steps: list[int] = []

        def advance(self, ns: int) -> None:
            self.steps.append(ns)
            if len(self.steps) == 50:
                self.ports = 0

    async def main() -> tuple[Media, float]:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, TurnedLoop)
        media = loop.media = Media()
        await asyncio.sleep(600)
        return media, loop.time()

    media, at = run(main())
    assert media.steps == [20_000_000] * 50
    assert at == pytest.approx(600.0)


def test_wall_time_moves_along_with_turned_time() -> None:
    async def main() -> float:
        clock = LoopClock(wall=1_000.0)
        await asyncio.sleep(60)
        return clock.wall()

    assert run(main()) == 1_060.0


def test_the_real_clock_and_chance_keep_their_forms() -> None:
    clock, chance = SystemClock(), SystemChance()
    assert abs(clock.wall() - time.time()) < 5
    assert clock.monotonic() <= clock.monotonic()
    assert len(chance.token(54)) == 54
    assert chance.uuid() != chance.uuid()
    number = chance.number(19)
    assert len(number) == 19
    assert number[0] != "0"
