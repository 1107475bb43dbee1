"""Say where visitors come from: as one place that is limited, and as little of it as is kept."""

import ipaddress
from typing import Final, Literal

from hubbub.proxies import parsed

#: Of an address: what one household is given, and what does not tell one household from others.
_HOUSEHOLD: Final = {4: 32, 6: 64}
_NEIGHBOURHOOD: Final = {4: 24, 6: 48}


def network_of(ip: str) -> str:
    """Return what counts as one place."""
    return _cut(ip, _HOUSEHOLD)


def kept_of(ip: str, how: Literal["none", "network", "whole"]) -> str:
    """Return what is kept of an address; empty: nothing."""
    if how == "whole":
        return ip
    return _cut(ip, _NEIGHBOURHOOD) if how == "network" else ""


def _cut(ip: str, bits: dict[int, int]) -> str:
    found = parsed(ip)
    if found is None:
        return ""
    if (length := bits[found.version]) == found.max_prefixlen:
        return str(found)
    return str(ipaddress.ip_network((found, length), strict=False))
