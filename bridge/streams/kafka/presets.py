"""How the alert services want to be connected to: settings by name, credentials from the environment.

From the services' own documentation and clients; none could be tried against the live service. The names of
settings are librdkafka's (its CONFIGURATION.md).
"""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["GROUP_PREFIX", "PRESETS"]

GROUP_PREFIX = "group.prefix"
"""Not a setting of librdkafka: what the service wants the names of consumer groups to begin with."""

_SCRAM = {"sasl.mechanisms": "SCRAM-SHA-512"}

PRESETS: Mapping[str, Mapping[str, str]] = {
    # Open brokers; their addresses are in the URL because they move.
    "ztf": {"security.protocol": "plaintext"},
    "fink": {"security.protocol": "plaintext"},
    "lasair": {
        "security.protocol": "plaintext",
        "bootstrap.servers": "lasair-lsst-kafka_pub.lsst.ac.uk:9092",
    },
    # No TLS on the external listener.
    "lsst": _SCRAM
    | {
        "bootstrap.servers": "rubin-alert-stream-bootstrap.slac.stanford.edu:9094",
        "security.protocol": "sasl_plaintext",
        "sasl.username": "${LSST_KAFKA_USERNAME}",
        "sasl.password": "${LSST_KAFKA_PASSWORD}",
        GROUP_PREFIX: "${LSST_KAFKA_USERNAME}-",
    },
    "antares": {
        "bootstrap.servers": "kafka.antares.noirlab.edu:9092",
        "security.protocol": "sasl_ssl",
        "sasl.mechanisms": "PLAIN",
        "sasl.username": "${ANTARES_API_KEY}",
        "sasl.password": "${ANTARES_API_SECRET}",
        "ssl.ca.location": "${ANTARES_CA_FILE}",
    },
    "gcn": {
        "bootstrap.servers": "kafka.gcn.nasa.gov:9092",
        "security.protocol": "sasl_ssl",
        "sasl.mechanisms": "OAUTHBEARER",
        "sasl.oauthbearer.method": "oidc",
        "sasl.oauthbearer.client.id": "${GCN_CLIENT_ID}",
        "sasl.oauthbearer.client.secret": "${GCN_CLIENT_SECRET}",
        "sasl.oauthbearer.token.endpoint.url": "https://auth.gcn.nasa.gov/oauth2/token",
    },
    "hopskotch": _SCRAM
    | {
        "bootstrap.servers": "kafka.scimma.org:9092",
        "security.protocol": "sasl_ssl",
        "sasl.username": "${HOP_USERNAME}",
        "sasl.password": "${HOP_PASSWORD}",
        GROUP_PREFIX: "${HOP_USERNAME}-",
    },
}
"""Name of a service to the settings of a client of it; ``${NAME}`` is an environment variable."""
