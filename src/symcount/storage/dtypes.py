"""Element types and their sizes, by every name under which configs, files and torch have them.

Sources: `torch.finfo`/`torch.iinfo`; the safetensors format (`F32`, `BF16`, `F8_E4M3`); short names as command lines
have them (`bf16`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from symcount.errors import OptionError, near

__all__ = ["DTYPES", "Dtype", "dtype"]


@dataclass(frozen=True, slots=True)
class Dtype:
    """A type of elements: torch's name, and the bytes that one takes."""

    name: str
    size: int


DTYPES: Final = {
    d.name: d
    for d in (
        Dtype("float64", 8), Dtype("float32", 4), Dtype("bfloat16", 2), Dtype("float16", 2),
        Dtype("float8_e4m3fn", 1), Dtype("float8_e5m2", 1), Dtype("float8_e8m0fnu", 1),
        Dtype("int64", 8), Dtype("int32", 4), Dtype("int16", 2), Dtype("int8", 1), Dtype("uint8", 1), Dtype("bool", 1),
        Dtype("complex64", 8),
    )
}  # fmt: skip

#: other names -> torch's
_OTHERS: Final = {
    "double": "float64", "fp64": "float64", "f64": "float64",
    "float": "float32", "fp32": "float32", "f32": "float32", "full": "float32",
    "bf16": "bfloat16",
    "half": "float16", "fp16": "float16", "f16": "float16",
    "fp8": "float8_e4m3fn", "float8": "float8_e4m3fn", "f8_e4m3": "float8_e4m3fn", "e4m3": "float8_e4m3fn",
    "f8_e5m2": "float8_e5m2", "e5m2": "float8_e5m2", "f8_e8m0": "float8_e8m0fnu",
    "i64": "int64", "long": "int64", "i32": "int32", "int": "int32", "i16": "int16", "short": "int16", "i8": "int8",
    "u8": "uint8", "byte": "uint8", "c64": "complex64",
}  # fmt: skip


def dtype(name: object) -> Dtype:
    """The type that *name* means: torch's name, a file's or a short one, or a `torch.dtype`.

    >>> dtype("bf16"), dtype("torch.float32").size, dtype("F8_E4M3").size
    (Dtype(name='bfloat16', size=2), 4, 1)

    Raises:
        OptionError: there is none.
    """
    if isinstance(name, Dtype):
        return name
    text = str(name).strip().lower().removeprefix("torch.")
    found = DTYPES.get(_OTHERS.get(text, text))
    if found is None:
        known = [*DTYPES, *_OTHERS]
        raise OptionError(f"dtype {name!r:.80}: expected one of {', '.join(DTYPES)}.{near(text, known)}")
    return found
