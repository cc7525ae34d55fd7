"""Addresses as they may be shown: without what lets one in."""

from __future__ import annotations

from urllib.parse import urlsplit

__all__ = ["without_secrets"]


def without_secrets(url: str) -> str:
    """
    Return a URL without user, password, query and fragment.

    Parameters
    ----------
    url : str
        Of any scheme.

    Returns
    -------
    str
    """
    scheme, separator, rest = url.partition("://")
    parts = urlsplit(f"//{rest}" if separator else f"//{url}")
    host = parts.netloc.rpartition("@")[2]
    return f"{scheme}://{host}{parts.path}" if separator else f"{host}{parts.path}"
