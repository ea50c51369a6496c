"""The trusted certificate authorities. They are loaded again when their files change."""

import os
import re
import ssl
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import httpx
import structlog

from exporter.problems import ConfigError

log = structlog.get_logger(__name__)

RECHECK = 1.0
"""Seconds between two checks of the files."""

_HASHED = re.compile(r"[0-9a-f]{8}\.\d+")
"""Names under which OpenSSL itself finds certificates in a directory."""

Signature = tuple[tuple[str, int, int, int], ...]


@dataclass(frozen=True, slots=True)
class Sources:
    """The files of authorities: one file and some directories.

    As in OpenSSL, `SSL_CERT_FILE` replaces the system's file and `SSL_CERT_DIR` the system's
    directories. Certificates in a directory are used whatever their file names, as in Go.
    """

    file: Path
    directories: tuple[Path, ...]
    file_named: bool = False
    directories_named: bool = False

    @classmethod
    def of(cls, environ: Mapping[str, str]) -> "Sources":
        """Return the sources that the environment names, or else the system's."""
        system = ssl.get_default_verify_paths()
        file, directories = environ.get("SSL_CERT_FILE", ""), environ.get("SSL_CERT_DIR", "")
        paths = (directories or system.openssl_capath).split(os.pathsep)
        return cls(
            file=Path(file or system.openssl_cafile),
            directories=tuple(Path(path) for path in paths if path),
            file_named=bool(file),
            directories_named=bool(directories),
        )

    def signature(self) -> Signature:
        """Return a value that changes when one of the files does."""
        return tuple(filter(None, map(_signature, [str(self.file), *self._members()])))

    def build(self, *, strict: bool) -> ssl.SSLContext:
        """Return a context that trusts these authorities. Raises `ConfigError`."""
        if self.file_named or self.directories_named:
            context = ssl.create_default_context(capath=_joined(self.directories))
        else:
            # The authorities of certifi, since slim images have none of their own.
            context = httpx.create_ssl_context(trust_env=False)
            context.load_verify_locations(capath=_joined(self.directories))
        self._load_file(context)
        self._load_directories(context)
        # Python 3.13 is strict by default, earlier versions are not.
        if strict:
            context.verify_flags |= ssl.VERIFY_X509_STRICT
        else:
            context.verify_flags &= ~ssl.VERIFY_X509_STRICT
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
        context.set_alpn_protocols(["http/1.1"])
        return context

    def _load_file(self, context: ssl.SSLContext) -> None:
        if not self.file_named and not self.file.is_file():
            return
        try:
            context.load_verify_locations(cafile=self.file)
        except ssl.SSLError:
            problem = f"{self.file} contains no certificates in PEM form"
        except OSError as error:
            problem = f"cannot read certificates from {self.file}: {error.strerror}"
        else:
            return
        raise ConfigError([f"SSL_CERT_FILE: {problem}"]) from None

    def _load_directories(self, context: ssl.SSLContext) -> None:
        if self.directories_named and not any(path.is_dir() for path in self.directories):
            problem = f"{_joined(self.directories)} is not a directory that can be read"
            raise ConfigError([f"SSL_CERT_DIR: {problem}"])
        for path in map(Path, self._members()):
            if _HASHED.fullmatch(path.name) or not path.is_file():  # a pipe would block
                continue
            try:
                context.load_verify_locations(cafile=path)
            except OSError:  # a directory may have other files, such as keys
                continue

    def _members(self) -> Iterator[str]:
        """Yield the paths in the directories, as text: hundreds are checked each second."""
        for directory in self.directories:
            try:
                yield from sorted(entry.path for entry in os.scandir(directory))
            except OSError:
                continue


class TrustStore:
    """The TLS context of new connections. It follows changes of the files within `RECHECK` seconds.

    If the files become invalid, the previous authorities stay.
    """

    def __init__(
        self,
        *,
        strict: bool = False,
        environ: Mapping[str, str] = os.environ,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """Load the authorities. Raises `ConfigError` if that fails."""
        self._sources = Sources.of(environ)
        self._strict = strict
        self._monotonic = monotonic
        self._looked = monotonic()
        self._signature = self._sources.signature()
        self._context = self._sources.build(strict=strict)
        self._failing = False

    def set_strict(self, *, strict: bool) -> None:
        """Choose whether new connections reject authorities that break a rule of RFC 5280."""
        if strict != self._strict:
            self._strict = strict
            self._load(self._sources.signature())

    def context(self) -> ssl.SSLContext:
        """Return the context for a new connection: another object after each change."""
        now = self._monotonic()
        if now - self._looked >= RECHECK:
            self._looked = now
            signature = self._sources.signature()
            if signature != self._signature:
                self._load(signature)
        return self._context

    def _load(self, signature: Signature) -> None:
        try:
            self._context = self._sources.build(strict=self._strict)
        except ConfigError as error:
            if not self._failing:
                self._failing = True
                for problem in error.problems:
                    log.warning("certificates not loaded, the old ones stay", problem=problem)
            return
        self._failing = False
        self._signature = signature
        log.info("certificates loaded again")


def _signature(path: str) -> tuple[str, int, int, int] | None:
    try:
        found = os.stat(path)  # noqa: PTH116 # see `_members`
    except OSError:
        return None
    return path, found.st_mtime_ns, found.st_size, found.st_ino


def _joined(paths: tuple[Path, ...]) -> str:
    return os.pathsep.join(map(str, paths))
