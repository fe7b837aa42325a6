"""What streams with nothing to say cost: memory beside the peers, and what an open page takes.

Memory is the server's proportional share (Pss) before and after a thousand viewers come, over their number. A hundred
others are there already: with them the server made what it keeps for all, threads and their database connections for
instance, which belong to no stream.
"""

import time
from typing import Any

from progress_app.channels import log_channel, task_channel, user_channel
from tests.benchmarks.crowd import Crowd
from tests.benchmarks.measures import VIEWERS, Figures, publish, running
from tests.benchmarks.servers import Bare, Nchan, Ours, Server, Stock, logged_in, member, task_id
from tests.stack import Valkey

FIRST_COMERS = 100
A_WHILE_S = 61.0  # each stream's permission is looked at once a minute
PAGES = 500


class OursOnTaskPages(Ours):
    """The streams that a task's page opens: of the task, its log and the reader's notices."""

    name = "headway, a task's page"

    def paths(self, streams: int, channels: int) -> list[str]:
        return [f"/events/?token={self.token(_of_a_page(i % channels))}" for i in range(streams)]


class OursWithPages(Ours):
    """As it runs in earnest: permissions are looked at again."""

    def environment(self) -> dict[str, str]:
        return super().environment() | {"PROGRESS_ACCESS_RECHECK_S": "60"}


def _of_a_page(number: int) -> list[str]:
    task = task_id(number)
    return [task_channel(task), log_channel(task), user_channel(number)]


def idle(valkey: Valkey) -> dict[str, Figures]:
    """What a stream with nothing to say holds."""
    return {kind.name: _idle(kind(valkey)) for kind in (Ours, OursOnTaskPages, Stock, Bare, Nchan)}


def _idle(server: Server) -> Figures:
    with running(server):
        paths = server.paths(VIEWERS + FIRST_COMERS, VIEWERS + FIRST_COMERS)
        first = Crowd(server.port, FIRST_COMERS, paths[VIEWERS:])
        first.opened()
        first.quiet()
        publish(server, VIEWERS, 10 * VIEWERS, 0.1)  # last: without a pulse for 5 s the database would be asked
        before = server.memory_kib(), server.threads(), _redis_connections(server)
        crowd = Crowd(server.port, VIEWERS, paths[:VIEWERS])
        crowd.opened()
        crowd.quiet()
        after = server.memory_kib(), server.threads(), _redis_connections(server)
        crowd.leave()
        first.leave()
    kib, threads, links = (b - a for a, b in zip(before, after, strict=True))
    return {"KiB a stream": kib / VIEWERS, "threads": threads, "Redis connections": links}


def _redis_connections(server: Server) -> int:
    info: Any = server.redis.info("clients")
    return int(info["connected_clients"])


def page(valkey: Valkey) -> dict[str, Figures]:
    """What an open page on which nothing happens costs a minute: one stream of notices, opened with a session."""
    server = OursWithPages(valkey)
    path = f"/events/?channel={user_channel(member().pk)}"
    with running(server):
        crowd = Crowd(server.port, PAGES, [path], headers=[logged_in()])
        crowd.opened()
        crowd.quiet()
        before_s = server.cpu_s()
        time.sleep(A_WHILE_S)
        spent_s = server.cpu_s() - before_s
        seen = crowd.leave()
    return {"headway": {"ms a minute": spent_s / PAGES / A_WHILE_S * 60 * 1e3, "streams": seen["ok"]}}
