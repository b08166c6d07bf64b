"""How a model is stored and trained, as options of commands."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated

import typer

from symcount.adapters.config import ALL_LINEAR
from symcount.errors import OptionError
from symcount.storage.footprint import Request

__all__ = [
    "Batch", "Dtype", "Length", "Lora", "Master", "Optimizer", "Quantization", "Targets", "Tokens", "request_of",
    "sequences_of", "tokens_of",
]  # fmt: skip

_TOKENS = re.compile(r"(\d[\d_,]{0,20})\s*([kKmM]?)\Z", re.ASCII)

Dtype = Annotated[
    str | None, typer.Option("--dtype", help="Of the weights: bf16, fp16, fp32, …; by default the config's, or fp32.")
]
Batch = Annotated[int, typer.Option("--batch", help="Sequences at a time.")]
Length = Annotated[
    str | None, typer.Option("--length", metavar="TOKENS", help="Tokens of a sequence, such as 8192 or 32k (32,768).")
]
Optimizer = Annotated[
    str | None, typer.Option("--optimizer", help="For training: adamw, adamw_8bit, sgd_momentum, adafactor, muon, …")
]
Master = Annotated[bool, typer.Option("--master", help="The optimizer works on copies of the weights in fp32.")]
Quantization = Annotated[
    str | None,
    typer.Option(
        "--quantization",
        help="4bit, 8bit (bitsandbytes), fp8, gptq, awq, mxfp4, a GGUF type (Q8_0) or none; "
        "by default what the config says.",
    ),
]
Lora = Annotated[int | None, typer.Option("--lora", metavar="RANK", help="An adapter alone is trained.")]
Targets = Annotated[
    str | None,
    typer.Option("--targets", help="What it adapts: q_proj,v_proj or all-linear; by default what PEFT does."),
]


Tokens = Annotated[
    str, typer.Option("--tokens", help="Of training, for a budget of flops: 300B, or for each parameter: 20N.")
]


def request_of(
    dtype: str | None,
    batch: int,
    length: str | None,
    optimizer: str | None,
    *,
    master: bool = False,
    quantization: str | None = None,
    lora: int | None = None,
    targets: str | None = None,
    tokens: str = "20N",
    further: Mapping[str, int] | None = None,
) -> Request:
    """What these options ask for.

    Raises:
        OptionError: one is malformed.
    """
    return Request(
        dtype, sequences_of(batch), tokens_of(length), optimizer, master, quantization, lora, _targets(targets), tokens,
        further or {},
    )  # fmt: skip


def _targets(text: str | None) -> str | list[str] | None:
    """Names between commas, or one pattern.

    >>> _targets("q_proj,v_proj"), _targets("all-linear")
    (['q_proj', 'v_proj'], 'all-linear')
    """
    if text is None or text.lower() == ALL_LINEAR or any(sign in text for sign in "*|()[]"):
        return text
    return [name.strip() for name in text.split(",") if name.strip()]


def sequences_of(batch: int) -> int:
    """The number of sequences that `--batch` says.

    Raises:
        OptionError: there is none.
    """
    if batch < 1:
        raise OptionError(f"--batch {batch}: expected a number of sequences, at least 1")
    return batch


def tokens_of(text: str | None) -> int | None:
    """The number of tokens that `--length` says; `32k` is 32 · 1024, as lengths are written.

    >>> tokens_of("32k"), tokens_of("8,192"), tokens_of("1M")
    (32768, 8192, 1048576)

    Raises:
        OptionError: it says none.
    """
    if text is None:
        return None
    found = _TOKENS.match(text.strip())
    number = 0 if found is None else int(re.sub("[,_]", "", found[1]))
    if found is None or number < 1:
        raise OptionError(f"--length {text!r:.80}: expected a number of tokens such as 8192 or 32k")
    return number * {"": 1, "k": 1024, "m": 1024**2}[found[2].lower()]
