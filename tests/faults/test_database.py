"""A database that was restarted: the pool's connections are dead, and nobody is to notice."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection

from tests.faults.plant import using_database
from tests.postgresql import Postgresql


@pytest.mark.deploy
def test_the_first_query_after_a_restart_succeeds(postgresql_server: Postgresql, django_db_blocker: Any) -> None:
    with django_db_blocker.unblock(), using_database(postgresql_server.url):
        before = User.objects.count()
        connection.close()
        postgresql_server.stop()
        postgresql_server.start()
        assert User.objects.count() == before
