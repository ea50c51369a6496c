import json

import pytest

from grafana import build


@pytest.fixture(
    scope="session", params=[path for path, _ in build.documents()], ids=lambda p: p.stem
)
def dashboard(request):
    """Each committed dashboard, as Grafana reads it."""
    return json.loads(request.param.read_text())
