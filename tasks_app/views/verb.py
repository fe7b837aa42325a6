"""Answers a person's verb: with the task that it gave, or with why it did not fit."""

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from tasks_app import lifecycle
from tasks_app.models import Task


def answer(request: HttpRequest, verb: Callable[[], Task], *, otherwise: Any, part: str = "") -> HttpResponse:
    """Show the task; `otherwise` is where to go when it was refused.

    `part` is the id of the part of its page that the keyboard comes to next.
    """
    try:
        task = verb()
    except lifecycle.NotAllowed as error:
        raise Http404 from error
    except lifecycle.Refused as error:
        messages.warning(request, str(error))
        return redirect(otherwise)
    if task.joined:
        messages.info(request, _("The same work is under way already: this is it."))
    return redirect(f"{task.get_absolute_url()}#{part}" if part else task)
