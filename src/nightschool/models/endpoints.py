"""Addresses of services that the settings name: what a request may be sent to at all.

Not covered: where a name leads. It is resolved for each connection, and whoever answers for it may change that.
"""

from __future__ import annotations

import ipaddress
import socket
from urllib.parse import urlsplit

from nightschool.errors import ConfigError

Ip = ipaddress.IPv4Address | ipaddress.IPv6Address
METADATA = frozenset(
    {ipaddress.ip_address("fd00:ec2::254"), ipaddress.ip_address("100.100.100.200")}
)
"""Where clouds keep credentials, beside the link-local addresses."""
METADATA_NAMES = (
    "metadata",
    "metadata.google.internal",
    "instance-data",
    "instance-data.ec2.internal",
)
NAT64 = ipaddress.ip_network("64:ff9b::/96")


def check_address(url: str, setting: str) -> None:
    """See that requests may be sent to a URL.

    Args:
        url: The root of an API.
        setting: What names it, for the error.

    Raises:
        ConfigError: It is not http or https.
        ConfigError: It carries a password, a query or a fragment.
        ConfigError: It is the address of a cloud's metadata, in whatever notation.
    """
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError as error:
        raise ConfigError(f"{setting} is {url!r}: {error}.") from error
    if parts.scheme not in ("http", "https") or not host:
        raise ConfigError(f"{setting} is {url!r}; expected http://HOST:PORT or https://HOST.")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise ConfigError(
            f"{setting} carries a password, a query or a fragment. Give the root only, and the key in its "
            "environment variable."
        )
    ip = _ip(host)
    if (ip is not None and (ip.is_link_local or ip in METADATA)) or (
        host.rstrip(".").lower() in METADATA_NAMES
    ):
        raise ConfigError(
            f"{setting} points to {host}, where clouds keep credentials. Name the service's own address."
        )


def _ip(host: str) -> Ip | None:
    """Read an address as the system's resolver would: also as one number, in hexadecimal, or inside of IPv6."""
    try:
        ip: Ip = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        try:
            ip = ipaddress.IPv4Address(socket.inet_aton(host.rstrip(".")))
        except (OSError, UnicodeError):
            return None
    if isinstance(ip, ipaddress.IPv6Address):
        inner = ip.ipv4_mapped or ip.sixtofour
        if ip in NAT64:
            inner = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
        return inner or ip
    return ip
