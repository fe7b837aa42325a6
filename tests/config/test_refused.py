"""Who comes by a name that the site does not know is told what its operator can do."""

import pytest
from django.test import Client

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("static_files")]


def test_a_foreign_host_name_is_answered_with_the_remedy(client: Client) -> None:
    answer = client.get("/", headers={"host": "192.0.2.7:8000"})
    assert answer.status_code == 400
    assert "ALLOWED_HOSTS=192.0.2.7" in answer.content.decode()


def test_a_name_with_markup_is_not_repeated_as_such(client: Client) -> None:
    answer = client.get("/", headers={"host": "<script>alert(1)</script>"})
    assert answer.status_code == 400
    assert "<script>alert" not in answer.content.decode()
