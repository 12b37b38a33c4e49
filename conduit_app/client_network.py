"""The network by which a client's connections are counted."""

from collections.abc import Sequence
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

# What one IPv6 client has at least (RFC 6177, 2).
IPV6_PREFIX_BITS = 64


def client_network(address: str, trusted: Sequence[IPv4Network | IPv6Network]) -> str | None:
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
