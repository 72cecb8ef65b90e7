"""What the tests' broker is told: one process as broker and controller, with every kind of listener in use.

The listeners are those that alert services have: open (ZTF, Fink, Lasair), SCRAM without and with TLS (Rubin,
Hopskotch), PLAIN with TLS (ANTARES), and OAUTHBEARER (GCN). For the last one Kafka's own
validator of unsigned tokens stands in for a real identity service.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

__all__ = ["GUEST", "LISTENERS", "PASSWORD", "USER", "make_certificates", "server_properties"]

USER = "reader"
GUEST = "guest"
"""A user from whom tests take permissions away; with SCRAM, and the same password."""

PASSWORD = "not-a-secret-of-anyone"

LISTENERS = {
    "PLAIN": "PLAINTEXT",
    "CONTROLLER": "PLAINTEXT",
    "SCRAM": "SASL_PLAINTEXT",
    "SCRAMTLS": "SASL_SSL",
    "PLAINTLS": "SASL_SSL",
    "OAUTH": "SASL_PLAINTEXT",
}
"""Name of each listener and its security protocol."""

SCRAM_MODULE = "org.apache.kafka.common.security.scram.ScramLoginModule required;"
PLAIN_MODULE = f'org.apache.kafka.common.security.plain.PlainLoginModule required user_{USER}="{PASSWORD}";'
OAUTH_MODULE = (
    "org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required "
    'unsecuredLoginStringClaim_sub="broker";'
)


def server_properties(folder: Path, ports: dict[str, int], *, makes_topics: bool = False) -> str:
    """The broker's configuration file.

    Parameters
    ----------
    folder
        Of this broker; data and certificates lie in it.
    ports
        Port on the loopback interface for each of `LISTENERS`.
    makes_topics
        Make a topic when something is sent to it.
    """
    places = {name: f"{name}://127.0.0.1:{port}" for name, port in ports.items()}
    lines = {
        "process.roles": "broker,controller",
        "node.id": "1",
        "controller.quorum.voters": f"1@127.0.0.1:{ports['CONTROLLER']}",
        "listeners": ",".join(places.values()),
        "advertised.listeners": ",".join(v for k, v in places.items() if k != "CONTROLLER"),
        "listener.security.protocol.map": ",".join(f"{k}:{v}" for k, v in LISTENERS.items()),
        "controller.listener.names": "CONTROLLER",
        "inter.broker.listener.name": "PLAIN",
        "log.dirs": str(folder / "data"),
        "listener.name.scram.sasl.enabled.mechanisms": "SCRAM-SHA-512",
        "listener.name.scram.scram-sha-512.sasl.jaas.config": SCRAM_MODULE,
        "listener.name.scramtls.sasl.enabled.mechanisms": "SCRAM-SHA-512",
        "listener.name.scramtls.scram-sha-512.sasl.jaas.config": SCRAM_MODULE,
        "listener.name.scramtls.ssl.keystore.type": "PEM",
        "listener.name.scramtls.ssl.keystore.location": str(folder / "server.pem"),
        "listener.name.plaintls.sasl.enabled.mechanisms": "PLAIN",
        "listener.name.plaintls.plain.sasl.jaas.config": PLAIN_MODULE,
        "listener.name.plaintls.ssl.keystore.type": "PEM",
        "listener.name.plaintls.ssl.keystore.location": str(folder / "server.pem"),
        "listener.name.oauth.sasl.enabled.mechanisms": "OAUTHBEARER",
        "listener.name.oauth.oauthbearer.sasl.jaas.config": OAUTH_MODULE,
        "offsets.topic.replication.factor": "1",
        "offsets.topic.num.partitions": "4",
        "transaction.state.log.replication.factor": "1",
        "transaction.state.log.min.isr": "1",
        "transaction.state.log.num.partitions": "4",
        "share.coordinator.state.topic.replication.factor": "1",
        "share.coordinator.state.topic.min.isr": "1",
        # Tests wait for groups to form: nobody else will come.
        "group.initial.rebalance.delay.ms": "0",
        # What has no list of permissions is open to everybody.
        "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
        "allow.everyone.if.no.acl.found": "true",
        "auto.create.topics.enable": str(makes_topics).lower(),
        "num.partitions": "2",
        "message.max.bytes": "1048588",
        "connection.failed.authentication.delay.ms": "20",
        "log.cleaner.enable": "false",
        "num.io.threads": "4",
        "num.network.threads": "2",
        "background.threads": "2",
    }
    return "".join(f"{key}={value}\n" for key, value in lines.items())


def make_certificates(folder: Path) -> None:
    """A certificate authority of our own (``ca.pem``) and a server certificate under it (``server.pem``)."""
    extensions = folder / "extensions"
    extensions.write_text("subjectAltName=IP:127.0.0.1,DNS:localhost\n")
    ca_key, server_key = folder / "ca.key", folder / "server.key"
    request, certificate = folder / "server.csr", folder / "server.crt"
    for key in (ca_key, server_key):
        _openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", key)
    _openssl("req", "-x509", "-key", ca_key, "-subj", "/CN=tests", "-days", "2", "-out", folder / "ca.pem")
    _openssl("req", "-new", "-key", server_key, "-subj", "/CN=127.0.0.1", "-out", request)
    signing = ("-CA", folder / "ca.pem", "-CAkey", ca_key, "-CAcreateserial", "-extfile", extensions)
    _openssl("x509", "-req", "-in", request, *signing, "-days", "2", "-out", certificate)
    (folder / "server.pem").write_bytes(server_key.read_bytes() + certificate.read_bytes())


def _openssl(*words: object) -> None:
    subprocess.run(["openssl", *map(str, words)], check=True, capture_output=True)
