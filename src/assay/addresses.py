"""Which network addresses belong to the public Internet.

`ipaddress.is_global` follows IANA's registries, but it has changed between versions of
Python, calls multicast global, and does not look inside addresses that carry another one.
"""

from __future__ import annotations

import ipaddress
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

_IPV4_REFUSED = tuple(
    IPv4Network(text)
    for text in (
        "168.63.129.16/32",  # Azure's platform service answers on this public address
        "192.0.0.0/24",  # IETF protocol assignments (RFC 6890); clouds put metadata here
        "192.88.99.0/24",  # 6to4 relays, deprecated (RFC 7526)
    )
)
_IPV6_UNICAST = IPv6Network("2000::/3")
"""All that IANA has given out as global unicast."""
_IPV6_REFUSED = tuple(
    IPv6Network(text)
    for text in (
        "2001::/23",  # protocol assignments, Teredo and ORCHID among them (RFC 2928)
        "2001:db8::/32",  # documentation (RFC 3849)
        "2002::/16",  # 6to4 carries an IPv4 address (RFC 3056, deprecated by RFC 7526)
        "3fff::/20",  # documentation (RFC 9637)
    )
)
_NAT64 = IPv6Network("64:ff9b::/96")
"""Translated IPv4 (RFC 6052): what resolvers of IPv6-only networks answer."""
_ISATAP = (0x00005EFE, 0x02005EFE)
"""Interface identifiers that carry an IPv4 address (RFC 5214, 6.1)."""


def is_public(address: str) -> bool:
    """Whether an IP address, as text, is an ordinary host of the public Internet.

    False for loopback, private, link-local, shared, multicast, reserved and documentation
    addresses, and for IPv6 forms that carry an address of these kinds or tunnel to one.

    Raises:
        ValueError: not an IP address in its standard form.
    """
    parsed = ipaddress.ip_address(address)
    return _public_v4(parsed) if isinstance(parsed, IPv4Address) else _public_v6(parsed)


def _public_v4(address: IPv4Address) -> bool:
    return (
        address.is_global
        and not address.is_multicast
        and not address.is_reserved
        and not any(address in network for network in _IPV4_REFUSED)
    )


def _public_v6(address: IPv6Address) -> bool:
    if address.ipv4_mapped is not None:
        return _public_v4(address.ipv4_mapped)
    if address in _NAT64:
        return _public_v4(IPv4Address(int(address) & 0xFFFFFFFF))
    return (
        address.scope_id is None
        and address in _IPV6_UNICAST
        and address.is_global
        and int(address) >> 32 & 0xFFFFFFFF not in _ISATAP
        and not any(address in network for network in _IPV6_REFUSED)
    )
