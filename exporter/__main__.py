"""Entry point of `iblai-exporter` and `python -m exporter`.

The platform is checked before anything is imported that does not exist elsewhere.
"""

import sys

UNSUPPORTED = ("win", "cygwin", "emscripten", "wasi")
"""What `sys.platform` starts with where signals, sockets or the event loop differ too much."""


def main() -> None:
    """Run the command, or print one sentence on an unsupported platform and exit with 1."""
    if sys.platform.startswith(UNSUPPORTED):
        sys.exit(
            "iblai-exporter runs on Linux and macOS; on Windows use the container image, or WSL."
        )
    from exporter.cli import main as command  # noqa: PLC0415 - not on an unsupported platform

    command()


if __name__ == "__main__":
    main()
