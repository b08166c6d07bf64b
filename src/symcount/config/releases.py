"""Releases of transformers: which is older, which of a table speaks for a version, and which one is installed.

>>> nearest("5.17.1", ["5.12.0", "5.16.0", "5.20.0"])
'5.16.0'
>>> nearest("4.57.0", ["5.12.0", "5.16.0", "5.20.0"])  # below the oldest
'5.12.0'
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Sequence
from functools import cache, lru_cache
from importlib.util import find_spec

from symcount.errors import ConfigError

__all__ = ["installed", "is_installed", "nearest", "number", "release_of"]

_NUMBER = re.compile(r"v?(\d{1,9})(?:\.(\d{1,9}))?(?:\.(\d{1,9}))?(?:[.\-+]?[a-z].*)?\Z", re.ASCII)
_NAME = "transformers"


@lru_cache(maxsize=1000)
def number(version: str) -> tuple[int, int, int]:
    """A version as numbers, by which releases are ordered; what is no release yet (`5.25.0.dev0`) is taken for it.

    Raises:
        ConfigError: it is none.

    >>> number("5.9.1") < number("5.12.0.dev0")
    True
    """
    found = _NUMBER.match(version)
    if found is None:
        raise ConfigError(f"transformers {version!r:.40}: expected a version such as 5.16.0")
    first, second, third = (int(part or 0) for part in found.groups())
    return first, second, third


def nearest(version: str, releases: Sequence[str]) -> str:
    """That of the *releases*, oldest first, which speaks for a version: the last one not above it, or the oldest.

    Raises:
        ConfigError: it is no version.
    """
    wanted = number(version)
    return next((one for one in reversed(releases) if number(one) <= wanted), releases[0])


def release_of(versions: str) -> str:
    """The release of transformers in what an atlas says of the packages that it was built with.

    >>> release_of("symcount 0.1.0, torch 2.13.0+cpu, transformers 5.23.0")
    '5.23.0'
    """
    return next((part.split()[1] for part in versions.split(", ") if part.startswith(f"{_NAME} ")), versions)


@cache
def installed() -> str | None:
    """The version of transformers that is installed, without importing it; `None` where there is none."""
    try:
        spec = find_spec(_NAME)
    except (ImportError, ValueError):
        return None
    if spec is None or spec.origin is None:
        return None
    if _NAME in sys.modules:
        return str(sys.modules[_NAME].__version__)
    # importlib.metadata says the same, but its own import takes longer than a count
    try:
        beside = os.listdir(os.path.dirname(os.path.dirname(spec.origin)))
    except OSError:
        beside = []
    named = [name for name in beside if name.startswith(f"{_NAME}-") and name.endswith(".dist-info")]
    if len(named) == 1:
        return named[0].removeprefix(f"{_NAME}-").removesuffix(".dist-info")
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(_NAME)
    except PackageNotFoundError:
        return None


def is_installed(version: str) -> bool:
    """Whether it is this version that is installed; the empty one stands for that.

    Raises:
        ConfigError: it is no version.
    """
    here = installed()
    return not version or (here is not None and number(here) == number(version))
