"""Scripts over connections that are kept: one that died, a fork, an exchange cut short, a server that forgot."""

import multiprocessing
from collections.abc import Iterator
from typing import Any

import pytest
from redis import Redis
from redis.exceptions import ResponseError

from progress_app.backends.redis import connect
from progress_app.backends.redis_scripts import Scripts, packed
from tests.stack import Valkey

ECHO = "return {KEYS[1], ARGV[1]}"


@pytest.fixture
def client(scratch: Valkey, scratch_db: Redis) -> Iterator[Redis]:
    client = connect(scratch.url)
    yield client
    client.close()


@pytest.fixture
def scripts(client: Redis) -> Scripts:
    return Scripts(client)


def echo(client: Redis, said: Any, script: str = ECHO) -> Any:
    return client.register_script(script), ["key"], [said]


def test_scripts_that_the_server_does_not_know_are_given_to_it(client: Redis, scripts: Scripts) -> None:
    told = [echo(client, "ä\r\n$3"), echo(client, 7), echo(client, b"\0")]
    assert scripts.run(*told) == [[b"key", "ä\r\n$3".encode()], [b"key", b"7"], [b"key", b"\0"]]
    client.script_flush()
    assert scripts.run(*told)[1] == [b"key", b"7"]


def test_a_connection_that_died_while_it_lay_idle_is_noticed_by_nobody(client: Redis, scripts: Scripts) -> None:
    scripts.run(echo(client, 1))
    client.client_kill_filter(_type="normal", skipme=True)
    assert scripts.run(echo(client, 2)) == [[b"key", b"2"]]


def test_each_runs_though_one_before_it_fails(client: Redis, scripts: Scripts) -> None:
    bad, good = (
        echo(client, 1, "return redis.call('GET')"),
        echo(client, "1", "return redis.call('SET', KEYS[1], ARGV[1])"),
    )
    for _ in range(2):  # unknown to the server, then known
        client.delete("key")
        with pytest.raises(ResponseError):
            scripts.run(bad, good)
        assert client.get("key") == b"1"
    assert scripts.run(echo(client, 2)) == [[b"key", b"2"]]


def test_an_exchange_that_was_cut_short_leaves_no_answer_for_the_next(
    client: Redis, scripts: Scripts, monkeypatch: pytest.MonkeyPatch
) -> None:
    scripts.run(echo(client, 1))

    def leave(*_: Any, **__: Any) -> None:
        raise SystemExit

    with monkeypatch.context() as patch:
        patch.setattr("redis.connection.Connection.read_response", leave)
        with pytest.raises(SystemExit):
            scripts.run(echo(client, 2))
    assert scripts.run(echo(client, 3)) == [[b"key", b"3"]]


def test_a_forked_process_does_not_speak_on_its_parents_connection(client: Redis, scripts: Scripts) -> None:
    scripts.run(echo(client, 1))
    (kept,) = scripts._idle
    child = multiprocessing.get_context("fork").Process(target=_speaks_on_another, args=(client, scripts, kept))
    child.start()
    child.join()
    assert child.exitcode == 0
    assert scripts.run(echo(client, 2)) == [[b"key", b"2"]]
    assert scripts._idle == [kept]


def _speaks_on_another(client: Redis, scripts: Scripts, kept: Any) -> None:
    assert scripts.run(echo(client, 3)) == [[b"key", b"3"]]
    assert scripts._idle != [kept]


def test_a_call_is_packed_as_redis_reads_it(client: Redis) -> None:
    script, keys, args = echo(client, "ä")
    assert packed((script, keys, args)) == (
        f"*5\r\n$7\r\nEVALSHA\r\n$40\r\n{script.sha}\r\n$1\r\n1\r\n$3\r\nkey\r\n$2\r\nä\r\n".encode()
    )
