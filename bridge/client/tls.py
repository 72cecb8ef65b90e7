"""TLS for clients on plain sockets, by Python's own ``ssl``, and its faults in words for people.

The ports of a feed and its upstream links use Twisted's TLS, which comes with an extra; a program that only
listens or sends needs nothing more than Python.
"""

from __future__ import annotations

import ssl
from pathlib import Path

from bridge.errors import ConfigError
from bridge.small_files import read_small
from bridge.vtp.tls import ClientTls

__all__ = ["client_context", "tls_reason"]

# OpenSSL's numbers of what can be wrong with a certificate (X509_V_ERR_*).
_NOT_YET_VALID = 9
_EXPIRED = 10
_OTHER_HOST = (62, 64)

_PLAIN = ("WRONG_VERSION_NUMBER", "HTTP_REQUEST", "PACKET_LENGTH_TOO_LONG", "RECORD_LAYER_FAILURE")
_ASKS_FOR_OURS = ("CERTIFICATE_REQUIRED", "HANDSHAKE_FAILURE")


def client_context(settings: ClientTls) -> ssl.SSLContext:
    """How we connect; the certificate of the broker must name the host that we connect to.

    Raises
    ------
    ConfigError
        If a file cannot be used.
    """
    context = ssl.create_default_context()
    if settings.ca is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        try:
            read_small(settings.ca)
            context.load_verify_locations(settings.ca)
        except ssl.SSLError as error:
            raise ConfigError(
                f"tls_ca: {settings.ca} holds no certificate in PEM form (-----BEGIN CERTIFICATE-----)."
            ) from error
        except OSError as error:
            raise _unreadable("tls_ca", settings.ca, error) from error
    if settings.certificate is not None:
        _prove(context, settings.certificate, settings.key or settings.certificate)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def _prove(context: ssl.SSLContext, certificate: Path, key: Path) -> None:
    for name, path in (("tls_certificate", certificate), ("tls_key", key)):
        try:
            read_small(path)
        except OSError as error:
            raise _unreadable(name, path, error) from error
    try:
        # Without a password of ours OpenSSL would ask for one on the terminal.
        context.load_cert_chain(certificate, key, password=lambda: "")
    except ssl.SSLError as error:
        told = error.reason or "OpenSSL cannot read them"
        raise ConfigError(
            f"tls_certificate {certificate} and tls_key {key} cannot be used ({_lower(told)}): give a "
            "certificate and the private key that belongs to it, both in PEM form and without a password."
        ) from error


def tls_reason(error: ssl.SSLError) -> str:
    """What has gone wrong between us and a broker, as a clause about it ("its certificate has expired")."""
    if isinstance(error, ssl.SSLCertVerificationError):
        if error.verify_code == _EXPIRED:
            return "its certificate has expired"
        if error.verify_code == _NOT_YET_VALID:
            return "its certificate is not valid yet; is our clock right?"
        if error.verify_code in _OTHER_HOST:
            return f"its certificate is for another host ({error.verify_message.rstrip('.')})"
        return (
            f"its certificate is not by an authority that we trust ({error.verify_message}); tls_ca names "
            "another authority"
        )
    # One that was not made by OpenSSL has none.
    reason = getattr(error, "reason", None) or ""
    if reason.endswith(_PLAIN):
        return "it does not speak TLS on this port"
    if reason.endswith(_ASKS_FOR_OURS):
        return "it wants a certificate from us (tls_certificate, tls_key), or a newer TLS"
    if "_ALERT_" in reason:
        said = _lower(reason.partition("_ALERT_")[2])
        if "CERTIFICATE" in reason or reason.endswith(("UNKNOWN_CA", "ACCESS_DENIED", "DECRYPT_ERROR")):
            return f"it does not accept our certificate ({said})"
        return f"it has refused to speak TLS with us ({said})"
    if isinstance(error, ssl.SSLEOFError):
        return "it has closed the connection instead of speaking TLS; perhaps this port does not"
    return f"TLS has failed ({_lower(reason or str(error))})"


def _lower(reason: str) -> str:
    return reason.replace("_", " ").lower()


def _unreadable(name: str, path: Path, error: OSError) -> ConfigError:
    return ConfigError(f"{name}: {path} cannot be read ({error.strerror or error}).")
