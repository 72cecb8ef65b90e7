"""Where this system keeps the certificates of the authorities that it trusts.

For brokers the client library looks for them itself. For the identity service that gives tokens it does not:
it takes the place that was usual where it was built (Red Hat's), which is not there on Debian and others, so
that no token could be had.
"""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from pathlib import Path

__all__ = ["USUAL", "token_authorities"]

USUAL = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
)
"""Of Debian, Red Hat (old and new), SUSE, and Alpine and macOS."""


def token_authorities(config: Mapping[str, str]) -> dict[str, str]:
    """The setting by which the identity service of a configuration is trusted, where nobody has given one.

    Parameters
    ----------
    config
        Settings of a client, by librdkafka's names.
    """
    asked = config.get("sasl.oauthbearer.token.endpoint.url", "").lower().startswith("https:")
    if not asked or "https.ca.location" in config or "https.ca.pem" in config:
        return {}
    # OpenSSL's own place comes first: it obeys SSL_CERT_FILE.
    for name in (ssl.get_default_verify_paths().cafile, *USUAL):
        if name and Path(name).is_file():
            return {"https.ca.location": name}
    return {}
