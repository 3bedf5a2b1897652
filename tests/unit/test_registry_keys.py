"""API keys: shown once, stored as a hash, let in until they expire or are revoked."""

from datetime import UTC, datetime

import pytest

from nightschool.errors import ConfigError, KeyRefused, UnknownKey
from nightschool.registry import keys as module
from nightschool.registry.keys import Keys
from nightschool.workspace import Workspace


@pytest.fixture
def workspace(tmp_path):
    return Workspace.create(tmp_path, "")


@pytest.fixture
def keys(workspace):
    return Keys(workspace)


def test_a_token_opens_its_own_tenant_and_is_stored_nowhere(keys, workspace):
    key, token = keys.create("ada", "laptop", ("chat", "memory"))
    assert keys.check(token) == key
    assert (key.tenant, key.scopes) == ("ada", ("chat", "memory"))
    secret = token.split("-", 2)[2]
    files = [workspace.database, *workspace.root.glob("nightschool.db-*")]
    assert not any(secret.encode() in path.read_bytes() for path in files)


@pytest.mark.parametrize(
    "wrong",
    [
        "",
        "ns-",
        "sk-abc",
        "ns-0000000000000000-" + "A" * 43,
        "x" * 10_000,
        "ns-é-" + "A" * 43,
        "\x00",
    ],
)
def test_other_tokens_open_nothing(keys, wrong):
    keys.create("ada", "", ("chat",))
    with pytest.raises(KeyRefused, match="not valid"):
        keys.check(wrong)


def test_another_keys_secret_does_not_fit(keys):
    (one, first), (_, second) = keys.create("ada", "", ("chat",)), keys.create("bob", "", ("chat",))
    mixed = f"ns-{one.id.removeprefix('key-')}-{second.split('-', 2)[2]}"
    with pytest.raises(KeyRefused):
        keys.check(mixed)
    assert keys.check(first).tenant == "ada"


def test_a_key_ends(keys, monkeypatch):
    key, token = keys.create("ada", "", ("chat",), days=1)
    keys.check(token)
    later = datetime.now(UTC).replace(year=2100).isoformat(timespec="seconds")
    monkeypatch.setattr(module, "now", lambda: later)
    with pytest.raises(KeyRefused, match=f"{key.id} is expired"):
        keys.check(token)


def test_revoking_works_at_once_and_opens_nothing(keys, workspace):
    assert not keys.any()
    key, token = keys.create("ada", "", ("admin",))
    other = Keys(workspace)  # as another process has it
    with pytest.raises(UnknownKey):
        other.revoke(key.id, "bob")
    other.revoke(key.id)
    with pytest.raises(KeyRefused, match="revoked"):
        keys.check(token)
    assert keys.any()
    assert [one.revoked is None for one in keys.listing("ada")] == [False]
    assert keys.listing("bob") == []


@pytest.mark.parametrize(
    ("tenant", "scopes", "more", "said"),
    [
        ("../ada", ("chat",), {}, "names no tenant"),
        ("ada", ("root",), {}, "expected chat, memory, admin"),
        ("ada", (), {}, "expected chat"),
        ("ada", ("chat",), {"days": 0}, "days is 0"),
        ("ada", ("chat",), {"requests_per_minute": -1}, "requests a minute"),
    ],
)
def test_a_key_that_makes_no_sense_is_not_made(keys, tenant, scopes, more, said):
    with pytest.raises(ConfigError, match=said):
        keys.create(tenant, "", scopes, **more)
    assert not keys.any()
