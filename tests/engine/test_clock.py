"""Category: unit. The operating system's chance, as the engine is given it."""

import uuid

from offhook.engine.clock import SystemChance


def test_a_uuid_is_a_random_one_and_never_the_same() -> None:
    texts = {SystemChance().uuid() for _ in range(1000)}
    assert len(texts) == 1000
    for text in texts:
        parsed = uuid.UUID(text)
        assert (str(parsed), parsed.version, parsed.variant) == (text, 4, uuid.RFC_4122)
