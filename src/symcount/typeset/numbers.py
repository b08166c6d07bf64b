r"""How numbers are written: separators between groups of three digits, ratios, shares.

| style | LaTeX | reads |
|---|---|---|
| `comma` | `109{,}112{,}880` | 109,112,880 |
| `thin` | `109\,112\,880` | 109 112 880, with thin spaces |
| `siunitx` | `\num{109112880}` | as the document's siunitx is set up |
| `none` | `109112880` | 109112880 |

>>> print(digits(109_112_880), digits(109_112_880, "thin"), digits(109_112_880, "siunitx"))
109{,}112{,}880 109\,112\,880 \num{109112880}
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

from symcount.errors import NotationError, near
from symcount.exact.evaluate import Number

__all__ = ["NUMBERS", "check_numbers", "digits", "percent", "rounded", "significant"]

# style -> the LaTeX between groups of digits; siunitx takes the digits as they are
NUMBERS: Mapping[str, str] = {"comma": "{,}", "thin": r"\,", "siunitx": "", "none": ""}


def check_numbers(name: str) -> str:
    r"""The style called *name*; a separator (`{,}`, `\,`) names its style as well.

    Raises:
        NotationError: there is no such style.
    """
    for style, separator in NUMBERS.items():
        if name in (style, separator) and name:
            return style
    known = list(NUMBERS)
    raise NotationError(
        rf"numbers {name!r}: expected one of {', '.join(known)}, or a separator {{,}} or \,.{near(str(name), known)}"
    )


def digits(value: Number, style: str = "comma") -> str:
    r"""A number in LaTeX: an integer with separators, a ratio as a decimal where that is exact, else as a fraction.

    >>> print(digits(Fraction(8, 3)), digits(Fraction(5, 2)), digits(-1234, "thin"))
    \frac{8}{3} 2.5 -1\,234
    """
    number = Fraction(value)
    if number.denominator != 1:
        decimal = _decimal(number)
        if decimal is None:
            sign = "-" if number < 0 else ""
            top, bottom = digits(abs(number.numerator), style), digits(number.denominator, style)
            return rf"{sign}\frac{{{top}}}{{{bottom}}}"
        return rf"\num{{{decimal}}}" if style == "siunitx" else decimal
    if style == "siunitx":
        return rf"\num{{{number.numerator}}}"
    return f"{number.numerator:,}".replace(",", NUMBERS[style])


def _decimal(number: Fraction) -> str | None:
    """The finite decimal of *number*, if it has one of at most twelve places."""
    for places in range(1, 13):
        scaled = number * 10**places
        if scaled.denominator == 1:
            whole, part = divmod(abs(scaled.numerator), 10**places)
            return f"{'-' if number < 0 else ''}{whole}.{part:0{places}d}"
    return None


def percent(part: Number, whole: Number, places: int = 2) -> str:
    """*part* of *whole* in percent, rounded half to even on exact fractions.

    >>> percent(1, 3), percent(-1, 8, 1), percent(1, 0)
    ('33.33', '-12.5', '0.00')
    """
    scaled = round(Fraction(part) * 100 * 10**places / Fraction(whole)) if whole else 0
    whole_part, rest = divmod(abs(scaled), 10**places)
    return f"{'-' if scaled < 0 else ''}{whole_part}.{rest:0{places}d}"


def significant(error: Fraction) -> str:
    """A relative error in percent with two significant digits at least, and two places at most where it is large.

    >>> significant(Fraction(-3172, 10000)), significant(Fraction(1, 300_000)), significant(Fraction(0))
    ('-31.72', '0.00033', '0.00')
    """
    places = 2
    while error and abs(error) * 100 * 10**places < 10 and places < 12:
        places += 1
    return percent(error, 1, places)


def rounded(value: int) -> str:
    """A number as people say it, with one place: `109.1M`; a small one as it is.

    >>> rounded(109_112_880), rounded(20_914_757_184), rounded(999_960), rounded(671_026_404_352), rounded(512)
    ('109.1M', '20.9B', '1.0M', '671.0B', '512')
    """
    for suffix, zeros in (("T", 12), ("B", 9), ("M", 6), ("K", 3)):
        if value * 10**5 >= 99_995 * 10**zeros:  # what would be 1000.0 of the next smaller unit
            tenths = (20 * value + 10**zeros) // (2 * 10**zeros)
            return f"{tenths // 10}.{tenths % 10}{suffix}"
    return str(value)
