"""The addresses of clients and proxies: networks, and IPv4 addresses as IPv6 sockets have them."""

from collections.abc import Sequence
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Literal

# What one IPv6 client has at least (RFC 6177, 2).
IPV6_PREFIX_BITS = 64
# RFC 4291, 2.5.5.2: ::ffff:127.0.0.1 is 127.0.0.1, as the peer of a socket that listens on ::.
MAPPED = IPv6Network("::ffff:0:0/96")

Network = IPv4Network | IPv6Network


# What lines of the log have of an address whose client should not be known.
ANONYMOUS_PREFIX_BITS = {4: 24, 6: 48}


def logged_address(address: str, *, how: Literal["full", "network", "none"]) -> str | None:
    """Return what lines of the log have of an address: all of it, its network, or nothing."""
    if how == "full":
        return address
    return None if how == "none" else _anonymous(address)


@lru_cache(1_000)
def _anonymous(address: str) -> str | None:
    try:
        parsed = ip_address(address)
    except ValueError:
        return None
    if isinstance(parsed, IPv6Address):
        parsed = parsed.ipv4_mapped or parsed
    return str(ip_network((parsed.packed, ANONYMOUS_PREFIX_BITS[parsed.version]), strict=False))


def parse_network(text: str) -> Network:
    """Return an address or a network, an IPv4-mapped one as IPv4; raise `ValueError`."""
    network = ip_network(text, strict=False)
    if isinstance(network, IPv6Network) and network.subnet_of(MAPPED):
        address = network.network_address.ipv4_mapped
        assert address is not None  # noqa: S101 - all of the network are mapped
        return IPv4Network((address, network.prefixlen - MAPPED.prefixlen))
    return network


def spellings(network: Network) -> list[str]:
    """Return a network and, of an IPv4 network, the IPv4-mapped one."""
    if isinstance(network, IPv6Network):
        return [str(network)]
    mapped = int(MAPPED.network_address) + int(network.network_address)
    return [str(network), str(IPv6Network((mapped, MAPPED.prefixlen + network.prefixlen)))]


def client_network(address: str, trusted: Sequence[Network]) -> str | None:
    """Return an IPv4 address or the /64 network of an IPv6 address; None if it is in a trusted network.

    Raises `ValueError` if it is no address.
    """
    parsed = ip_address(address)
    if isinstance(parsed, IPv6Address):
        parsed = parsed.ipv4_mapped or parsed
    if any(parsed in network for network in trusted):
        return None
    if isinstance(parsed, IPv6Address):
        return str(ip_network((parsed.packed, IPV6_PREFIX_BITS), strict=False))
    return str(parsed)
