"""Rows for tests, by factory-boy: people, groups and tasks in any state."""

from datetime import timedelta
from typing import Any

import factory
from django.contrib.auth.models import User
from django.utils import timezone

from progress_app.events import State
from tasks_app.models import Task


class UserFactory(factory.django.DjangoModelFactory[User]):
    class Meta:
        model = User

    username = factory.Sequence(lambda n: f"user-{n}")
    password = factory.django.Password("correct horse battery staple")


class TaskFactory(factory.django.DjangoModelFactory[Task]):
    """A queued rehearsal; the traits move it on."""

    class Meta:
        model = Task

    job = "rehearsal"
    owner = factory.SubFactory(UserFactory)
    params = factory.LazyFunction(lambda: dict(QUICK))

    class Params:
        running = factory.Trait(
            state=State.RUNNING,
            attempt=1,
            worker="worker@test",
            started_at=factory.LazyFunction(timezone.now),
            lease_until=factory.LazyFunction(lambda: timezone.now() + timedelta(seconds=45)),
        )
        overdue = factory.Trait(
            state=State.RUNNING,
            attempt=1,
            worker="gone@test",
            started_at=factory.LazyFunction(timezone.now),
            lease_until=factory.LazyFunction(lambda: timezone.now() - timedelta(seconds=1)),
        )
        ended = factory.Trait(
            state=State.SUCCEEDED,
            attempt=1,
            started_at=factory.LazyFunction(timezone.now),
            finished_at=factory.LazyFunction(timezone.now),
        )


QUICK: dict[str, Any] = {"steps": 4, "seconds": 0, "stages": 1, "known_total": "on", "fail_chance": 0}
