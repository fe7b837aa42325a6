"""The configured objects: one of each a process, and a forked child has its own."""

import os
import subprocess
import sys
from typing import Any

import pytest
import redis

from config.places import BASE
from progress_app import connections

# A process of its own, because a test's process has threads, and forking those is not what a worker does.
FORK = """
import os, django
django.setup()
from progress_app import connections
ours = connections.backend()
mine = ours.client.client_id()
child = os.fork()
if not child:
    theirs = connections.backend()
    apart = theirs is not ours and theirs.client.client_id() != mine
    os._exit(0 if apart and connections.backend() is theirs else 1)
status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
assert status == 0, status
assert connections.backend() is ours and ours.client.client_id() == mine
"""


def test_a_forked_child_gets_a_client_of_its_own_and_the_parent_keeps_its(redis_db: redis.Redis) -> None:
    environment = os.environ | {"DJANGO_SETTINGS_MODULE": "config.settings"}
    command = [sys.executable, "-W", "ignore", "-c", FORK]
    ended = subprocess.run(command, check=False, cwd=BASE, env=environment, capture_output=True, text=True)
    assert (ended.returncode, ended.stderr) == (0, "")


def test_a_process_has_one_backend() -> None:
    assert connections.backend() is connections.backend()


def test_the_backend_is_the_one_that_the_settings_describe(settings: Any, redis_db: redis.Redis) -> None:
    before = connections.backend()
    settings.PROGRESS_KEY_PREFIX = "shop"
    assert connections.backend() is not before
    connections.backend().append("news", "item", b"{}")
    assert list(redis_db.scan_iter("shop:*")) == [b"shop:{news}:log"]


@pytest.mark.usefixtures("redis_db")
async def test_each_hub_gets_a_feed_of_its_own() -> None:
    first, second = connections.feed(), connections.feed()
    assert first is not second
    assert await first.positions(["news"]) == {"news": 0}
    await first.close()
    await second.close()
