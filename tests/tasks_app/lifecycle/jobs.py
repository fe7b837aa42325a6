"""What the jobs of these tests are given."""

from typing import Any

from django import forms


class Tags(forms.Form):
    tags = forms.MultipleChoiceField(choices=[("a", "a"), ("b", "b")], required=False)


class Upload(Tags):
    upload = forms.FileField()


def nothing(progress: object, **_values: Any) -> None: ...
