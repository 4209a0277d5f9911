"""Category: unit. The registry of bindings: who rings first, and who does when that one goes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offhook.voice.binding import Binding, Bindings


def binding(id: str, username: str = "bob", **facts: object) -> Binding:
    return Binding(id=id, account_id="a", connection_id="c", username=username, registered_at=1.0, **facts)  # type: ignore[arg-type]


def ids(found: tuple[Binding, ...]) -> list[str]:
    return [each.id for each in found]


def test_the_latest_login_rings_first_and_the_former_one_when_it_goes() -> None:
    registry = Bindings()
    for id in ("1", "2", "3"):
        registry.register(binding(id))
    assert ids(registry.of_username("bob")) == ["3", "2", "1"]
    registry.unregister("3")
    assert ids(registry.of_username("bob")) == ["2", "1"]
    registry.unregister("1")
    assert ids(registry.of_username("bob")) == ["2"]


def test_reattaching_keeps_place_and_login_time() -> None:
    registry = Bindings()
    registry.register(binding("1"))
    registry.register(binding("2"))
    registry.reattach(Binding("1", "a", "c", "bob", 99.0, address="192.0.2.7"))
    assert ids(registry.of_username("bob")) == ["2", "1"]
    again = registry.get("1")
    assert again is not None
    assert (again.registered_at, again.address) == (1.0, "192.0.2.7")


def test_reattaching_what_is_gone_or_another_username_is_refused() -> None:
    registry = Bindings()
    registry.register(binding("1"))
    with pytest.raises(KeyError):
        registry.reattach(binding("2"))
    with pytest.raises(ValueError, match="another username"):
        registry.reattach(binding("1", "eve"))


def test_one_id_registers_once() -> None:
    registry = Bindings()
    registry.register(binding("1"))
    with pytest.raises(ValueError, match="already"):
        registry.register(binding("1"))


def test_lookups_by_connection_credential_and_token() -> None:
    registry = Bindings()
    registry.register(binding("own"))
    registry.register(binding("password", "gencred1", credential_id="k"))
    registry.register(binding("token", "gencred1", credential_id="k", token_id="t"))
    assert ids(registry.of_connection("c")) == ["own", "password", "token"]
    assert ids(registry.of_credential("k")) == ["password", "token"]
    assert ids(registry.of_token("t")) == ["token"]


def test_who_left_last_is_told_only_while_nobody_is_there() -> None:
    registry = Bindings()
    registry.register(binding("1"))
    registry.unregister("1")
    last = registry.last_of("bob")
    assert last is not None
    assert last.id == "1"
    registry.register(binding("2"))
    assert registry.last_of("bob") is None
    assert registry.unregister("1") is None


@given(st.lists(st.tuples(st.sampled_from("rua"), st.integers(0, 5)), max_size=60))
def test_order_is_always_that_of_live_logins(steps: list[tuple[str, int]]) -> None:
    registry, model = Bindings(), list[str]()
    for step, number in steps:
        id = str(number)
        if step == "r" and id not in model:
            registry.register(binding(id))
            model.append(id)
        elif step == "u" and id in model:
            registry.unregister(id)
            model.remove(id)
        elif step == "a" and id in model:
            registry.reattach(binding(id))
        assert ids(registry.of_username("bob")) == model[::-1]
        assert len(registry) == len(model)
