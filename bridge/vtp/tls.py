"""TLS for VTP, by Twisted and OpenSSL: contexts for ports and for connections to upstream brokers.

pyOpenSSL and service-identity come with the extra ``tls``; only who wants TLS needs them.
"""

from __future__ import annotations

from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

from bridge.errors import ConfigError
from bridge.small_files import read_small

__all__ = [
    "ClientTls",
    "ServerTls",
    "TlsContext",
    "client_options",
    "client_tls",
    "server_options",
    "tls_fault",
]


@dataclass(frozen=True, slots=True)
class ServerTls:
    """What a port proves itself with.

    Parameters
    ----------
    certificate
        PEM file: our certificate, then those between it and the root.
    key
        PEM file with the private key; it may be the same file.
    client_ca
        PEM file with the certificates that clients must prove themselves by; None asks clients for none.
    """

    certificate: Path
    key: Path
    client_ca: Path | None = None


@dataclass(frozen=True, slots=True)
class ClientTls:
    """How a broker is trusted.

    Parameters
    ----------
    ca
        PEM file with the certificates that it is trusted by; None trusts those of the system.
    certificate, key
        PEM files that we prove ourselves with, where the broker asks.
    """

    ca: Path | None = None
    certificate: Path | None = None
    key: Path | None = None


def client_tls(
    whose: str,
    tls: bool | None = None,
    ca: str | PathLike[str] | None = None,
    certificate: str | PathLike[str] | None = None,
    key: str | PathLike[str] | None = None,
) -> ClientTls | None:
    """What somebody says of TLS to a broker; None: the connection is not encrypted.

    Parameters
    ----------
    whose
        Who says so; begins the sentence if it makes no sense.
    tls
        Whether to use it; None: if there is any file for it.
    ca, certificate, key
        The files of `ClientTls`.

    Raises
    ------
    ConfigError
        If one excludes or lacks another.
    """
    files = {
        name: Path(path)
        for name, path in (("ca", ca), ("certificate", certificate), ("key", key))
        if path is not None
    }
    if not (bool(files) if tls is None else tls):
        if files:
            raise ConfigError(f"{whose} has tls_{next(iter(files))}, and tls is false.")
        return None
    if "key" in files and "certificate" not in files:
        raise ConfigError(f"{whose} has tls_key and no tls_certificate.")
    return ClientTls(**files)


class TlsContext:
    """OpenSSL's context for new connections, which a reload of the files replaces.

    Parameters
    ----------
    settings
        The files; read at once, so that a mistake is told at the start.
    """

    def __init__(self, settings: ServerTls) -> None:
        self._context: Any = server_options(settings).getContext()

    def replace(self, settings: ServerTls) -> None:
        """Read the files again; connections that are there keep what they have."""
        self._context = server_options(settings).getContext()

    def getContext(self) -> Any:  # noqa: N802
        """Called by Twisted for each connection."""
        return self._context


def server_options(settings: ServerTls) -> Any:
    """Twisted's options for a port.

    Raises
    ------
    ConfigError
        If a file cannot be used, or the extra is not installed.
    """
    ssl = _twisted_ssl()
    certificate = _certificates(settings.certificate, "tls_certificate")
    key = _private_key(settings.key, "tls_key")
    roots: Any = None
    if settings.client_ca is not None:
        authorities = _certificates(settings.client_ca, "tls_client_ca")
        roots = ssl.trustRootFromCertificates([ssl.Certificate(each) for each in authorities])
    try:
        options = ssl.CertificateOptions(
            privateKey=key, certificate=certificate[0], extraCertChain=certificate[1:], trustRoot=roots
        )
        options.getContext().check_privatekey()
    except Exception as error:
        raise ConfigError(
            f"tls_certificate {settings.certificate} and tls_key {settings.key} do not belong together "
            f"({_said(error)})."
        ) from error
    return options


def client_options(host: str, settings: ClientTls) -> Any:
    """Twisted's options for a connection to a broker, whose certificate must name `host`.

    Raises
    ------
    ConfigError
        If a file cannot be used, or the extra is not installed.
    """
    ssl = _twisted_ssl()
    roots: Any = None
    if settings.ca is not None:
        authorities = _certificates(settings.ca, "tls_ca")
        roots = ssl.trustRootFromCertificates([ssl.Certificate(each) for each in authorities])
    own: Any = None
    if settings.certificate is not None:
        ours = _certificates(settings.certificate, "tls_certificate")[0]
        key = _private_key(settings.key or settings.certificate, "tls_key")
        own = ssl.PrivateCertificate.fromCertificateAndKeyPair(ssl.Certificate(ours), ssl.KeyPair(key))
    return ssl.optionsForClientTLS(host, trustRoot=roots, clientCertificate=own)


def _twisted_ssl() -> Any:
    try:
        from twisted.internet import ssl
    except ImportError as error:
        raise ConfigError("TLS needs pyOpenSSL: pip install 'voevent-bridge[tls]'.") from error
    return ssl


def _certificates(path: Path, key: str) -> list[Any]:
    from OpenSSL import crypto

    blocks = _read(path, key).split(b"-----BEGIN CERTIFICATE-----")[1:]
    try:
        found = [
            crypto.load_certificate(crypto.FILETYPE_PEM, b"-----BEGIN CERTIFICATE-----" + block)
            for block in blocks
        ]
    except crypto.Error as error:
        raise ConfigError(
            f"{key}: {path} holds a certificate that cannot be read ({_said(error)})."
        ) from error
    if not found:
        raise ConfigError(f"{key}: {path} holds no certificate in PEM form (-----BEGIN CERTIFICATE-----).")
    return found


def _private_key(path: Path, key: str) -> Any:
    from OpenSSL import crypto

    try:
        return crypto.load_privatekey(crypto.FILETYPE_PEM, _read(path, key), passphrase=b"")
    except (crypto.Error, ValueError, TypeError) as error:
        raise ConfigError(f"{key}: {path} holds no private key in PEM form without a password.") from error


def _read(path: Path, key: str) -> bytes:
    try:
        return read_small(path)
    except OSError as error:
        raise ConfigError(f"{key}: {path} cannot be read ({error.strerror or error}).") from error


def tls_fault(error: BaseException | None) -> str | None:
    """What TLS has to say of an error, in OpenSSL's words; None for an error of another kind."""
    if error is None:
        return None
    if type(error).__module__.startswith("service_identity"):
        return "its certificate is for another host"
    return _said(error) if type(error).__module__.startswith("OpenSSL") else None


def _said(error: BaseException) -> str:
    """The last of OpenSSL's errors, which come as (library, function, reason)."""
    told = error.args[0] if error.args else None
    if isinstance(told, list) and told and isinstance(told[-1], tuple):
        return str(told[-1][-1])
    return str(error) or type(error).__name__
