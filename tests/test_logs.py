import logging

import pytest

from exporter import logs

LOUD = ("", "asyncio", "tzlocal", "uvicorn", "uvicorn.error")


@pytest.fixture
def configured():
    """Return a way to configure logs, which leaves no trace."""
    root = logging.getLogger()
    handlers, levels = root.handlers[:], {name: logging.getLogger(name).level for name in LOUD}
    yield logs.configure
    root.handlers[:] = handlers
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)


@pytest.mark.parametrize("level", ["debug", "info", "warning", "error"])
def test_what_strangers_send_to_the_port_does_not_fill_the_log(configured, capsys, level):
    configured(level=level, form="logfmt")
    logging.getLogger("uvicorn.error").warning("Invalid HTTP request received.")
    assert capsys.readouterr().err == ""


def test_libraries_keep_to_the_level_too(configured, capsys):
    configured(level="error", form="json")
    logging.getLogger("asyncio").warning("slow")
    assert capsys.readouterr().err == ""
    configured(level="info", form="json")
    logging.getLogger("asyncio").info("Using selector")
    assert capsys.readouterr().err == ""
    logging.getLogger("asyncio").warning("slow")
    assert '"event": "slow"' in capsys.readouterr().err
