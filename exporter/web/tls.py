"""TLS of the port, from a checked configuration."""

import ssl
from pathlib import Path

from exporter.problems import ConfigError
from exporter.web.webconfig import VERIFY, VERSIONS, TlsServer


def context(config: TlsServer, where: Path) -> ssl.SSLContext:
    """Return the context that `config`, of the file `where`, describes; or raise `ConfigError`."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.minimum_version = VERSIONS[config.min_version]
    made.verify_mode = VERIFY[config.client_auth_type]
    made.set_alpn_protocols(["http/1.1"])
    try:
        # An encrypted key must not ask for its password on a terminal.
        made.load_cert_chain(config.cert_file, config.key_file, password=str)
    except OSError as error:
        raise ConfigError(
            [
                (
                    f"{where}: tls_server_config: cannot use cert_file {config.cert_file} with "
                    f"key_file {config.key_file}: {_reason(error)}"
                )
            ]
        ) from None
    if config.client_ca_file is not None:
        try:
            made.load_verify_locations(config.client_ca_file)
        except OSError as error:
            raise ConfigError(
                [
                    (
                        f"{where}: tls_server_config.client_ca_file: cannot use "
                        f"{config.client_ca_file}: {_reason(error)}"
                    )
                ]
            ) from None
    return made


def _reason(error: OSError) -> str:
    if isinstance(error, ssl.SSLError):
        reason = f" ({error.reason})" if error.reason else ""
        return f"they are not PEM, or do not belong together{reason}"
    return error.strerror or type(error).__name__
