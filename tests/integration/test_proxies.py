"""The exporter's own processes with proxy variables set, as in a company's network."""

import contextlib
import socket
import threading

from tests.integration.conftest import Exporter, until


class Trap:
    """A proxy that notes what it is sent, and answers nothing."""

    def __init__(self):
        self.heard = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    def _listen(self):
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                connection.settimeout(2)
                with connection, contextlib.suppress(OSError):
                    self.heard.append(connection.recv(65536))

    def close(self):
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()


def test_the_demo_sends_nothing_to_a_proxy(tmp_path):
    with contextlib.closing(Trap()) as trap:
        variables = ("http_proxy", "https_proxy", "all_proxy")
        environ = dict.fromkeys(variables, trap.url)
        environ |= {name.upper(): trap.url for name in variables} | {"no_proxy": "", "NO_PROXY": ""}
        with Exporter("demo", cwd=tmp_path, env=environ) as demo:
            demo.wait(within=60)
            until(lambda: up_of(demo) == {1.0}, within=60, what="a collection")
    assert trap.heard == []


def up_of(exporter):
    """Return the values of `iblai_up`."""
    lines = exporter.metrics().splitlines()
    return {float(line.rpartition(" ")[2]) for line in lines if line.startswith("iblai_up{")}
