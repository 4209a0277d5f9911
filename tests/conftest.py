"""What every test gets: logging as it is out of the box; and what every test module owes: its category."""

from collections.abc import Iterator

import pytest
import structlog

CATEGORY = "Category: "


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Collection fails where a module does not say in its first words what kind of tests it holds."""
    modules = {item.getparent(pytest.Module) for item in items}
    nameless = [module.nodeid for module in modules if module and not (module.obj.__doc__ or "").startswith(CATEGORY)]
    if nameless:
        raise pytest.UsageError(f"these test modules do not begin with {CATEGORY!r}: {', '.join(sorted(nameless))}")


@pytest.fixture(autouse=True)
def usual_logging() -> Iterator[None]:
    """A command under test points the log at its own captured stream, which is closed when that test is over."""
    structlog.reset_defaults()
    yield
    structlog.reset_defaults()
