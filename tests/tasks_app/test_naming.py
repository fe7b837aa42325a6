"""What people call the models and their fields."""

from django.apps import apps

from tasks_app.naming import FIELDS, MODELS


def test_every_model_has_a_name() -> None:
    """Both sets are the same: a name for a model that is gone says so too."""
    assert {model.__name__ for model in apps.get_app_config("tasks_app").get_models()} == set(MODELS)


def test_every_field_of_a_model_that_the_admin_shows_has_a_name() -> None:
    for name, words in FIELDS.items():
        fields = apps.get_model("tasks_app", name)._meta.concrete_fields
        assert {field.name for field in fields} - {"id"} == set(words) - {"id"}
        assert all(field.verbose_name == words[field.name] for field in fields if field.name in words)
