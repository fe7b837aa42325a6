"""An nginx before a server, as a context."""

import shutil
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.environment import free_port
from tests.processes import Service

CONFIGURATION = """
daemon off; worker_processes 1; pid nginx.pid; error_log stderr warn;
events {{ worker_connections 64; }}
http {{
  access_log off; gzip on; gzip_types *; gzip_min_length 0;
  client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path f; uwsgi_temp_path u; scgi_temp_path s;
  server {{
    listen 127.0.0.1:{port}{protocol};
    location / {{ proxy_pass http://127.0.0.1:{upstream}; proxy_http_version 1.1; proxy_buffering on; {more} }}
  }}
}}
"""


@contextmanager
def nginx(folder: Path, upstream: int, more: str = "", protocol: str = "") -> Iterator[str]:
    """Put one that buffers and gzips before a port of this machine; `more` are directives, the address is given.

    Args:
        folder: for its files.
        upstream: the port.
        more: nginx's directives for what is passed on.
        protocol: appended to its `listen`.

    """
    port = free_port()
    (folder / "nginx.conf").write_text(CONFIGURATION.format(port=port, upstream=upstream, more=more, protocol=protocol))
    program = shutil.which("nginx") or "nginx"
    service = Service("nginx", [program, "-p", str(folder), "-c", str(folder / "nginx.conf")])

    def listens() -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", port)) == 0

    service.start(listens)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        service.stop(signal.SIGTERM)
