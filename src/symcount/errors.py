"""The one exception family of symcount.

Every error a user can meet derives from `SymcountError`; each also derives from the built-in exception that a
caller would naturally catch. Messages name the field, what was expected, what was given, and the remedy.
This module imports nothing.
"""


class SymcountError(Exception):
    """Base class of every error that symcount raises on purpose."""


class StructureError(SymcountError, ValueError):
    """A tree, layer or parameter was put together in a way that has no meaning."""


class NotationError(SymcountError, ValueError):
    """A letter or field name is malformed, or two fields claim the same letter."""


class UnknownSymbolError(SymcountError, LookupError):
    """A letter or config field that the formula does not have."""


class MissingSymbolError(SymcountError, ValueError):
    """A value was not given for a symbol that the count needs."""


class DomainError(SymcountError, ValueError):
    """A value, or a combination of values, lies outside the formula's domain."""


class OptionError(SymcountError, ValueError):
    """A config option has a value that the formula does not hold for."""


class UncoveredError(OptionError, DomainError):
    """A config that no stored formula covers, though the model's own code may."""


class ContradictedError(OptionError):
    """A config with a key that a formula does not have, and that its model reads."""


class ConventionError(SymcountError, ValueError):
    """A counting convention that does not exist."""


class BudgetError(SymcountError, ValueError):
    """A parameter budget or tolerance is malformed, or no admissible config can come near it."""


class ExpressionError(SymcountError, ValueError):
    """A range, rule, condition or ranking that a user wrote is not of the form that is read."""


class VectorOverflowError(SymcountError, OverflowError):
    """A vectorised count could leave the 64-bit integers; it is refused before it is computed."""


class UnknownModelError(SymcountError, LookupError):
    """No architecture goes by this name."""


class ConfigError(SymcountError, ValueError):
    """A config is malformed, unreadable, or belongs to another model."""


class FileTypeError(ConfigError):
    """A file of another kind than a model's config, recognised by its content."""


class DoubtfulError(ConfigError):
    """A config that may mean something else than what it says, where only others are wanted (`strict`)."""


class CheckpointError(SymcountError, ValueError):
    """A file of weights whose header is not what its format demands, or a folder without such a file."""


class DependencyError(SymcountError, ImportError):
    """An optional package is needed and not installed."""


class VerificationError(SymcountError, AssertionError):
    """A formula and a real model disagree."""


class DerivationError(SymcountError, RuntimeError):
    """A model could not be turned into a formula."""


class ForeignError(SymcountError, RuntimeError):
    """Code that is not symcount's raised something while it worked on this input; `__cause__` has the original."""


class TypesettingError(SymcountError, RuntimeError):
    """A document could not be made: the TeX engine refused it."""


def near(name: str, known: "list[str] | tuple[str, ...]", limit: int = 3) -> str:
    """Return `" Did you mean a, b?"` for the names in *known* closest to *name*, or an empty string.

    >>> near("brt", ["bert", "gpt2"])
    ' Did you mean bert?'
    >>> near("zzzzzz", ["bert"])
    ''
    """
    from difflib import get_close_matches  # only on the error path: difflib is slow to import

    lowered = {item.lower(): item for item in known}
    found = [lowered[match] for match in get_close_matches(name.lower(), list(lowered), n=limit, cutoff=0.6)]
    return f" Did you mean {', '.join(found)}?" if found else ""
