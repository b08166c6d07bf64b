"""How a model is stored and trained, as options of commands."""

from __future__ import annotations

from typing import Annotated

import typer

from symcount.adapters.config import ALL_LINEAR
from symcount.errors import OptionError
from symcount.storage.footprint import Request

__all__ = ["Batch", "Dtype", "Length", "Lora", "Master", "Optimizer", "Quantization", "Targets", "Tokens", "request_of"]

Dtype = Annotated[
    str | None, typer.Option("--dtype", help="Of the weights: bf16, fp16, fp32, …; by default the config's, or fp32.")
]
Batch = Annotated[int, typer.Option("--batch", help="Sequences at a time, for the cache.")]
Length = Annotated[
    str | None, typer.Option("--length", metavar="TOKENS", help="Tokens that the cache holds, such as 8192 or 32k.")
]
Optimizer = Annotated[
    str | None, typer.Option("--optimizer", help="For training: adamw, adamw_8bit, sgd_momentum, adafactor, muon, …")
]
Master = Annotated[bool, typer.Option("--master", help="The optimizer works on copies of the weights in fp32.")]
Quantization = Annotated[
    str | None,
    typer.Option(
        "--quantization",
        help="4bit, 8bit (bitsandbytes), fp8, gptq, awq, mxfp4 or none; by default what the config says.",
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
) -> Request:
    """What these options ask for.

    Raises:
        OptionError: one is malformed.
    """
    if batch < 1:
        raise OptionError(f"--batch {batch}: expected an integer of at least 1")
    return Request(dtype, batch, _tokens(length), optimizer, master, quantization, lora, _targets(targets), tokens)


def _targets(text: str | None) -> str | list[str] | None:
    """Names between commas, or one pattern.

    >>> _targets("q_proj,v_proj"), _targets("all-linear")
    (['q_proj', 'v_proj'], 'all-linear')
    """
    if text is None or text.lower() == ALL_LINEAR or any(sign in text for sign in "*|()[]"):
        return text
    return [name.strip() for name in text.split(",") if name.strip()]


def _tokens(text: str | None) -> int | None:
    """A number of tokens; `32k` is 32 · 1024, as lengths are written.

    >>> _tokens("32k"), _tokens("8,192")
    (32768, 8192)
    """
    if text is None:
        return None
    digits, scale = (text[:-1], 1024) if text[-1:].lower() == "k" else (text, 1)
    digits = digits.replace(",", "").replace("_", "")
    if not digits.isdecimal() or not digits.isascii() or len(digits) > 12 or int(digits) < 1:
        raise OptionError(f"--length {text!r:.80}: expected a number of tokens such as 8192 or 32k")
    return int(digits) * scale
