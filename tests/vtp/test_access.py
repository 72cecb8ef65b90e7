"""Who is let in: networks, counts, the PROXY header, an author's allowance. Without sockets or clocks."""

from __future__ import annotations

import ipaddress
import logging
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.errors import ConfigError
from bridge.vtp.access import AccessSettings, Gate, parse_networks
from bridge.vtp.allowance import Allowance
from bridge.vtp.proxy import NotProxied, Proxied, read_proxy_header

ADDRESSES = st.ip_addresses(v=4) | st.ip_addresses(v=6)
PORTS = st.integers(0, 65_535)
SIGNATURE = b"\r\n\r\n\x00\r\nQUIT\n"


def gate(clock: list[float] | None = None, **settings: object) -> Gate:
    now = clock or [0.0]
    return Gate(AccessSettings(**settings), "subscribers", lambda: now[0])  # type: ignore[arg-type]


def networks(*texts: str) -> object:
    return parse_networks(texts, "broadcast.allow")


def test_everybody_is_let_in_unless_told_otherwise() -> None:
    door = gate()
    assert all(door.admit(host) for host in ("192.0.2.1", "2001:db8::1", "::ffff:192.0.2.1"))
    assert door.refused == 0


def test_a_list_lets_in_its_networks_alone() -> None:
    door = gate(allow=networks("192.0.2.0/24", "2001:db8::/32"))
    assert door.admit("192.0.2.200")
    assert door.admit("2001:db8::5")
    assert door.admit("::ffff:192.0.2.7"), "an IPv4 peer on a socket for both families"
    assert not door.admit("192.0.3.1")
    assert not door.admit("2001:db9::1")
    assert not door.admit("a unix socket")


def test_who_is_denied_is_kept_out_though_allowed() -> None:
    door = gate(allow=networks("192.0.2.0/24"), deny=networks("192.0.2.66"))
    assert door.admit("192.0.2.65")
    assert not door.admit("192.0.2.66")
    assert not door.admit("::ffff:192.0.2.66")


def test_one_address_has_so_many_connections_and_gets_room_when_one_ends() -> None:
    door = gate(max_per_address=2)
    assert [door.admit("192.0.2.1") for _ in range(3)] == [True, True, False]
    assert door.admit("192.0.2.2")
    door.release("192.0.2.1")
    assert door.admit("192.0.2.1")


def test_all_together_have_so_many_connections() -> None:
    door = gate(max_connections=3)
    assert [door.admit(f"192.0.2.{n}") for n in range(5)] == [True, True, True, False, False]
    door.release("192.0.2.0")
    assert door.admit("192.0.2.9")


def test_a_flood_of_refusals_is_a_line_a_minute(caplog: pytest.LogCaptureFixture) -> None:
    now = [0.0]
    door = gate(now, deny=networks("192.0.2.0/24"))
    with caplog.at_level(logging.WARNING):
        for second in range(121):
            now[0] = float(second)
            for _ in range(100):
                door.admit("192.0.2.1")
    assert len(caplog.records) == 3
    assert "5999 more in the last 60 s" in caplog.records[1].getMessage()
    assert door.refused == 12_100


@pytest.mark.parametrize("text", ["", "example.org", "192.0.2.0/33", "192.0.2.1/24", "::1/200"])
def test_what_is_no_network_is_named(text: str) -> None:
    with pytest.raises(ConfigError, match=r"^receive\.deny: "):
        parse_networks([text], "receive.deny")


def test_bounds_below_one_are_refused() -> None:
    with pytest.raises(ConfigError, match="max_connections"):
        AccessSettings(max_connections=0)


def version_2(host: object, port: int, command: int = 1, extra: bytes = b"") -> bytes:
    address = ipaddress.ip_address(str(host))
    family = 0x11 if address.version == 4 else 0x21
    body = address.packed + address.packed + struct.pack("!HH", port, 8099) + extra
    return SIGNATURE + struct.pack("!BBH", 0x20 | command, family, len(body)) + body


@given(ADDRESSES, PORTS, st.binary(max_size=40), st.booleans(), st.data())
def test_a_header_says_who_connects_and_what_follows_is_left(
    host: object, port: int, rest: bytes, binary: bool, data: st.DataObject
) -> None:
    if binary:
        header = version_2(host, port, extra=data.draw(st.binary(max_size=30)))
    else:
        family = 4 if ":" not in str(host) else 6
        header = f"PROXY TCP{family} {host} {host} {port} 8099\r\n".encode()
    assert read_proxy_header(header + rest) == Proxied(str(host), port, len(header))
    # However it is cut, it is waited for.
    cut = data.draw(st.integers(0, len(header) - 1))
    assert read_proxy_header(header[:cut]) is None


@given(
    st.binary(max_size=300), st.sampled_from([b"", b"PROXY ", b"PROXY TCP4 ", SIGNATURE, SIGNATURE + b"\x21"])
)
def test_whatever_comes_is_a_header_or_refused(noise: bytes, beginning: bytes) -> None:
    try:
        header = read_proxy_header(beginning + noise)
    except NotProxied:
        return
    assert header is None or header.size <= len(beginning + noise)


@pytest.mark.parametrize(
    "data",
    [
        b"GET / HTTP/1.0\r\n\r\n",
        b"\x00\x00\x01\x00<voe",
        b"PROXY TCP4 1.2.3.4 5.6.7.8 1\r\n",
        b"PROXY TCP4 ::1 ::1 1 2\r\n",
        b"PROXY TCP6 1.2.3.4 1.2.3.4 1 2\r\n",
        b"PROXY TCP4 1.2.3.400 1.2.3.4 1 2\r\n",
        b"PROXY TCP4 1.2.3.4 1.2.3.4 70000 2\r\n",
        b"PROXY TCP4 " + b"1" * 120,
        SIGNATURE + b"\x31\x11\x00\x0c" + b"\0" * 12,
        SIGNATURE + b"\x21\x11\x00\x04" + b"\0" * 12,
        SIGNATURE + b"\x21\x11\xff\xff",
    ],
)
def test_what_is_no_header_is_refused_at_once(data: bytes) -> None:
    with pytest.raises(NotProxied):
        read_proxy_header(data)


@pytest.mark.parametrize(
    "header", [b"PROXY UNKNOWN\r\n", b"PROXY UNKNOWN ::1 ::1 1 2\r\n", version_2("1.2.3.4", 5, 0)]
)
def test_a_proxy_may_speak_for_itself(header: bytes) -> None:
    assert read_proxy_header(header) == Proxied(None, 0, len(header))


def test_an_allowance_gives_a_burst_and_then_its_rate() -> None:
    allowance = Allowance(5, 0.0)
    assert allowance.spend(50, 0.0) == 0.0
    assert allowance.spend(10, 0.0) == 2.0
    assert allowance.spend(1, 1.0) == pytest.approx(2.2)
    assert allowance.spend(1, 100.0) == 100.0
    assert allowance.spend(49, 100.0) == 100.0
    assert allowance.spend(1, 100.0) == pytest.approx(100.2)
