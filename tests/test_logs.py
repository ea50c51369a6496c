"""Log lines: format, level, and what is left out."""

import logging

import pytest
import structlog

from exporter import logs

LIBRARIES = ("", "asyncio", "tzlocal", "uvicorn", "uvicorn.error")


@pytest.fixture
def configured():
    """Return what configures logs; the configuration is restored afterwards."""
    root = logging.getLogger()
    configuration = structlog.get_config()
    handlers, levels = root.handlers[:], {name: logging.getLogger(name).level for name in LIBRARIES}
    yield logs.configure
    structlog.configure(**configuration)
    root.handlers[:] = handlers
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)


@pytest.mark.parametrize("level", ["debug", "info", "warning", "error"])
def test_invalid_requests_of_clients_are_not_logged(configured, capsys, level):
    configured(level=level, form="logfmt")
    logging.getLogger("uvicorn.error").warning("Invalid HTTP request received.")
    assert capsys.readouterr().err == ""


def test_the_level_applies_to_libraries_too(configured, capsys):
    configured(level="error", form="json")
    logging.getLogger("asyncio").warning("slow")
    assert capsys.readouterr().err == ""
    configured(level="info", form="json")
    logging.getLogger("asyncio").info("Using selector")
    assert capsys.readouterr().err == ""
    logging.getLogger("asyncio").warning("slow")
    assert '"event": "slow"' in capsys.readouterr().err
