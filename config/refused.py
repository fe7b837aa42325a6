"""The answer to a request that Django takes for bad: for a foreign host name with what its operator can do."""

from django.core.exceptions import DisallowedHost
from django.http import HttpRequest, HttpResponse
from django.http.request import split_domain_port
from django.shortcuts import render


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer 400, and say whether the name was to blame under which the site was asked for."""
    host, _port = split_domain_port(request.META.get("HTTP_HOST", ""))
    host = host if isinstance(exception, DisallowedHost) else ""
    return render(request, "400.html", {"host": host}, status=400)
