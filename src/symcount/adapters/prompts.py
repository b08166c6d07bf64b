"""Prompt learning: trained tokens before those of the input, and the network that makes them.

* Prompt tuning (Lester et al. 2021, arXiv:2104.08691): `nH` for n tokens.
* Prefix tuning (Li and Liang 2021, arXiv:2101.00190): `2nNDK`, keys and values of each layer; with a projection of a
  table of `nDK` through a hidden layer.
* P-tuning (Liu et al. 2021, arXiv:2103.10385): `nH` and a perceptron of three layers or an LSTM.

An encoder and decoder have the tokens twice, except of a prefix. Source: PEFT 0.21, `_prepare_prompt_learning_config`.
"""

from __future__ import annotations

from typing import Final

from sympy import Expr, Integer, Mul, floor

from symcount.adapters.config import AdapterConfig
from symcount.config.sizes import size_of
from symcount.core.tree import Block, Parameter
from symcount.errors import OptionError
from symcount.formulas.formula import Formula
from symcount.storage.precision import PROMPT

__all__ = ["PROMPTS", "prompt"]

PROMPTS: Final = ("PREFIX_TUNING", "PROMPT_TUNING", "P_TUNING")
_LAYERS: Final = ("num_hidden_layers", "encoder_layers", "num_layers", "n_layer")
_WIDTH: Final = ("hidden_size", "n_embd", "d_model")
_HEADS: Final = ("num_attention_heads", "n_head", "num_heads", "encoder_attention_heads")
_BOTH = "SEQ_2_SEQ_LM"
_MOST = 1000  # layers of an LSTM, each with tensors of its own


class _Sizes:
    """The sizes that PEFT reads off the model's config, or that the adapter's says itself."""

    def __init__(self, base: Formula, config: AdapterConfig) -> None:
        self._base, self._config = base, config

    def _own(self, field: str) -> Expr | None:
        value = self._config.fields.get(field)
        return None if value is None else Integer(size_of(value, f"{self._config.source}: {field}"))

    def _of_model(self, *fields: str) -> Expr | None:
        for prefix in ("text_config.", ""):
            for field in fields:
                if f"{prefix}{field}" in self._base.notation:
                    return self._base.notation[f"{prefix}{field}"].symbol
        return None

    def size(self, field: str, *fields: str) -> Expr:
        found = self._own(field)
        found = self._of_model(*fields) if found is None else found
        if found is None:
            raise OptionError(
                f"{self._config.source}: the formula of {self._base.name} does not have the size; give {field}"
            )
        return found

    def width(self) -> Expr:
        return self.size("token_dim", *_WIDTH)

    def of_keys(self) -> Expr:
        """The width of the keys of one layer."""
        own, groups = self._own("token_dim"), self._of_model("num_key_value_heads")
        if groups is None:
            return self.width()
        head = self._of_model("head_dim")
        if head is None:
            head = floor((self.width() if own is None else own) / self.size("num_attention_heads", *_HEADS))
        return Mul(head, groups)

    def hidden(self, width: Expr) -> Expr:
        found = self._own("encoder_hidden_size")
        return width if found is None else found

    def submodules(self) -> Expr:
        found = self._own("num_transformer_submodules")
        return found if found is not None else Integer(2 if self._config.fields.get("task_type") == _BOTH else 1)


def _linear(name: str, size: Expr, out: Expr) -> Block:
    return Block(name, "Linear", (Parameter("weight", (out, size)), Parameter("bias", (out,))))


def _lstm(size: Expr, hidden: Expr, layers: int) -> Block:
    tensors = []
    for layer in range(layers):
        for end in ("", "_reverse"):
            inner = size if layer == 0 else 2 * hidden
            tensors += [
                Parameter(f"weight_ih_l{layer}{end}", (4 * hidden, inner)),
                Parameter(f"weight_hh_l{layer}{end}", (4 * hidden, hidden)),
                Parameter(f"bias_ih_l{layer}{end}", (4 * hidden,)),
                Parameter(f"bias_hh_l{layer}{end}", (4 * hidden,)),
            ]
    return Block("lstm_head", "LSTM", tuple(tensors))


def _encoder(sizes: _Sizes, config: AdapterConfig) -> tuple[Expr, Block]:
    """The width of the tokens of P-tuning, and the network behind them."""
    width = sizes.width()
    hidden = sizes.hidden(width)
    kind = str(config.fields.get("encoder_reparameterization_type", "MLP"))
    if kind.endswith("LSTM"):
        layers = size_of(config.fields.get("encoder_num_layers", 2), f"{config.source}: encoder_num_layers")
        if layers > _MOST:
            raise OptionError(f"{config.source}: encoder_num_layers: expected at most {_MOST:,}, got {layers:,}")
        head = Block(
            "mlp_head", "Sequential", (), (_linear("0", 2 * hidden, 2 * hidden), _linear("2", 2 * hidden, width))
        )
        return width, Block("", "PromptEncoder", (), (_lstm(width, hidden, layers), head))
    if not kind.endswith("MLP"):
        raise OptionError(f"{config.source}: encoder_reparameterization_type = {kind!r:.80}: expected MLP or LSTM")
    layers_of = (_linear("0", width, hidden), _linear("2", hidden, hidden), _linear("4", hidden, width))
    return width, Block("", "PromptEncoder", (), (Block("mlp_head", "Sequential", (), layers_of),))


def prompt(base: Formula, config: AdapterConfig, tokens: Expr) -> Block:
    """What is trained of a prompt of so many *tokens*.

    Raises:
        OptionError: a size that neither the model nor the adapter's config says, or one that is malformed.
    """
    sizes, inner = _Sizes(base, config), Block("", "PromptEncoder")
    if config.kind == "PREFIX_TUNING":
        keys, layers = sizes.of_keys(), sizes.size("num_layers", *_LAYERS)
        width = 2 * layers * keys
        if config.fields.get("prefix_projection") is True:
            hidden = sizes.hidden(keys)
            transform = (_linear("0", keys, hidden), _linear("2", hidden, width))
            width, inner = keys, Block("", "PromptEncoder", (), (Block("transform", "Sequential", (), transform),))
        number = tokens
    else:
        number = tokens * sizes.submodules()
        width = sizes.width()
        if config.kind == "P_TUNING":
            width, inner = _encoder(sizes, config)
    table = Block("embedding", "Embedding", (Parameter("weight", (number, width)),))
    return Block(PROMPT, "PromptEncoder", (), (table, *inner.children))
