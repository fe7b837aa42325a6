"""How soon a stream ends whose user may not watch any more."""

import statistics
import time
from typing import Any, Final

from django.contrib.auth.models import User

from progress_app import conf, connections, tokens
from progress_app.channels import user_channel
from tests.benchmarks.servers import Ours
from tests.benchmarks.viewer import Viewer
from tests.stack import Valkey

PEOPLE: Final = 20
WITHIN_S: Final = 10.0


def kick(valkey: Valkey) -> dict[str, dict[str, float]]:
    """From the moment when an account is switched off to the end of its streams; wanted: 2 s at most."""
    server = Ours(valkey)
    server.start()
    try:
        took_s = [_ended(server, number) for number in range(PEOPLE)]
    finally:
        server.stop()
    return {"headway": {"median ms": statistics.median(took_s) * 1e3, "longest ms": max(took_s) * 1e3}}


def _ended(server: Ours, number: int) -> float:
    person, _ = User.objects.update_or_create(username=f"kicked-{number}", defaults={"is_active": True})
    viewer = Viewer(server.port, f"/events/?token={_token(person)}", _nothing)
    viewer.start()
    viewer.opened.wait(WITHIN_S)
    began_s = time.monotonic()
    person.is_active = False
    person.save()
    viewer.join(WITHIN_S)
    return time.monotonic() - began_s


def _token(person: User) -> str:
    store, prefix = connections.shelf().keep, conf.get().key_prefix
    return tokens.issue(store, prefix=prefix, user=person.pk, channels=[user_channel(person.pk)], ttl_s=60)


def _nothing(_name: str, _data: Any, _at: float) -> None:
    """What the viewer sees is not looked at."""
