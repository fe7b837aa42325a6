"""How large an uploaded file may be: one bound for every file field of every job's form."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.template.defaultfilters import filesizeformat
from django.utils.translation import gettext as _

from tasks_app import conf


def bound_files(form: type[forms.Form]) -> None:
    """Have each file field of the form refuse what is over TASKS_UPLOAD_LIMIT_BYTES, with both sizes."""
    for field in form.base_fields.values():
        if isinstance(field, forms.FileField) and within_limit not in field.validators:
            field.validators.append(within_limit)


def within_limit(upload: Any) -> None:
    """Let a file pass that is small enough.

    Raises:
        ValidationError: code "too_large".

    """
    if upload.size > conf.get().upload_limit_bytes:
        raise ValidationError(refusal().format(size=filesizeformat(upload.size)), code="too_large")


def refusal() -> str:
    """Why a file is refused, with {size} for its own size: the browser says it before it sends the file."""
    text = _("The file has {size}; at most {most} are accepted. Divide it, or ask staff for a higher limit.")
    return text.format(size="{size}", most=filesizeformat(conf.get().upload_limit_bytes))
