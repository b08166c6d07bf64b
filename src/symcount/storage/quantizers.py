"""Quantised weights: which modules a method replaces, and the bytes of what stands in their place.

A method replaces `nn.Linear` (some `Conv1D` too) and nothing else: the stacked experts of a mixture, which are
parameters of one module, stay as they are, except where a method has a module for them (fp8, MXFP4). Not replaced are
what the config names, and where it names nothing the projection onto the vocabulary, what is tied, and the last module.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from sympy import ceiling

from symcount.core.domain import divides
from symcount.core.ledger import Row
from symcount.core.tree import Block, Parameter
from symcount.errors import ConfigError, OptionError, near
from symcount.exact.evaluate import integer_value
from symcount.formulas import layerwise
from symcount.formulas.formula import Formula
from symcount.storage.packing import METHODS, PACKED, STACKED, Fields, Method, Packed
from symcount.storage.precision import ADAPTERS, PROMPT, SAVED, table

__all__ = ["quantized"]


def _method(fields: Fields) -> Method:
    name = fields.get("quant_method")
    if name in (None, "bitsandbytes"):
        if fields.get("load_in_4bit") or fields.get("_load_in_4bit"):
            name = "bitsandbytes_4bit"
        elif fields.get("load_in_8bit") or fields.get("_load_in_8bit"):
            name = "bitsandbytes_8bit"
    found = METHODS.get(str(name))
    if found is None:
        known = list(METHODS)
        raise OptionError(
            f"quantization_config: quant_method = {name!r:.80}: those of {', '.join(known)} are known."
            f"{near(str(name), known)}"
        )
    return found


def quantized(formula: Formula, fields: Fields, values: Mapping[str, Any] | None = None) -> Block:
    """The tree of a model whose weights are quantised: what is replaced has the packed tensors, in bytes, frozen.

    Args:
        formula: of the model.
        fields: its config's `quantization_config`.
        values: by letter, where layers are named by their index; by default the formula's own.

    Raises:
        OptionError: a method that is not known, or layers that cannot be told apart.
        ConfigError: the config is malformed.
    """
    if not isinstance(fields, Mapping):
        raise ConfigError(f"quantization_config: expected an object, got {fields!r:.80}")
    if fields.get("dequantize"):
        return formula.tree
    method = _method(fields)
    return _Quantizing(formula, method, fields, formula.defaults if values is None else values).tree()


class _Quantizing:
    """Walks the tree of a model; replaces what a method replaces."""

    def __init__(self, formula: Formula, method: Method, fields: Fields, values: Mapping[str, Any]) -> None:
        self._formula, self._method, self._fields, self._values = formula, method, fields, values
        names = self._skipped()
        self._by_index = any(re.search(r"\.\d+(\.|$)", name.replace("\\", "")) for name in names)
        boundary = r"(?:(?<=\.)|(?=\.|$))"
        try:
            self._patterns = [re.compile(rf"(?:{name}){boundary}") for name in names]
        except re.error as error:
            raise ConfigError(f"quantization_config: {method.skip}: no regular expression: {error}") from None
        self._names = tuple(names)

    def tree(self) -> Block:
        return self._block(self._formula.tree, "", in_list=False)

    def _skipped(self) -> list[str]:
        """What is not replaced: what the config names, or transformers by default; what stays in fp32."""
        said = self._fields.get(self._method.skip, self._fields.get("ignored_layers"))
        if said is not None and (not isinstance(said, list) or not all(isinstance(n, str) for n in said)):
            raise ConfigError(f"quantization_config: {self._method.skip}: expected a list of names, got {said!r:.80}")
        kinds = {self._formula.name, *(b.kind for _, b in self._formula.tree.walk())}
        found = {p for kind in kinds for p in table()["soft"].get(kind, ())}
        if said is None or self._method.always:
            found |= self._left_alone()
        return sorted(found | set(said or ()))

    def _left_alone(self) -> set[str]:
        ledger = self._formula.ledger
        names = {n for row, owner in ledger.shared for n in (row.tensor, owner.tensor)}
        names |= {row.tensor for row in ledger.rows if row.role == "head"}
        found = {re.escape(n.removesuffix(".weight")).replace(r"\*", r"\d+") for n in names}
        added = (SAVED, PROMPT)
        owned = [
            row
            for row in ledger.rows  # without what an adapter adds to the model, which is quantised before
            if row.alias_of is None and row.kind not in ADAPTERS and not set(added) & set(row.path.split("."))
        ]
        return found | ({self._last(owned[-1])} if owned else set())

    def _last(self, row: Row) -> str:
        """A pattern for the last parameter of the model: of a list of layers that of its last one."""
        name = row.tensor.removesuffix(".weight")
        if "*" not in name or row.kind not in self._method.kinds:
            return re.escape(name).replace(r"\*", r"\d+")  # nothing that would be replaced
        lists = [b for p, b in self._formula.tree.walk() if p == name.partition(".*")[0]]
        kinds = [c for b in lists for c in b.children if "*" in c.name]
        if name.count("*") > 1 or len(kinds) != 1:
            raise OptionError(
                f"quantization_config: the last module of {self._formula.name}, {name}, is not replaced, and it is not "
                f"known in which layer it is; name what is not replaced: {self._method.skip}"
            )
        return re.escape(name.replace("*", str(integer_value(kinds[0].copies, self._values) - 1)))

    def _kept(self, path: str) -> bool:
        return any(p.match(path) for p in self._patterns) or any(path.endswith(name) for name in self._names)

    def _block(self, block: Block, path: str, *, in_list: bool) -> Block:
        inside = in_list or "*" in block.name
        if path == PROMPT:
            return block
        if path and block.same_as is None and not self._kept(path) and (inside or not self._method.inside):
            packed = self._packed(block)
            if packed is not None:
                return packed
        children = layerwise.children(
            block,
            path,
            self._values,
            lambda child, inner: self._block(child, inner, in_list=inside),
            by_index=self._by_index,
            source="quantization_config",
        )
        return replace(block, children=tuple(children))

    def _packed(self, block: Block) -> Block | None:
        """What stands in a module's place; `None` if the method leaves it. What is tied stays tied to what it is."""
        method, shapes = self._method, {p.name: p.shape for p in block.parameters if p.alias_of is None}
        if method.linear is not None and block.kind in method.kinds and len(shapes.get("weight", ())) == 2:
            first, last = shapes["weight"]
            size, out = (first, last) if block.kind == "Conv1D" else (last, first)
            return self._replaced(block, {"weight": method.linear(size, out, self._fields)})
        if method.experts is not None and block.name == "experts" and shapes and not STACKED.issuperset(
            n for n, s in shapes.items() if len(s) == 3
        ):  # fmt: skip
            raise OptionError(
                f"quantization_config: {method.name}: experts with {', '.join(shapes)} are not known to be replaced"
            )
        stacked = {n: s for n, s in shapes.items() if len(s) == 3 and n in STACKED}
        if method.experts is None or not stacked or block.name != "experts":
            return None
        if method.linear is None and block.kind != "GptOssExperts":
            return None
        return self._replaced(block, {n: method.experts(n, s, self._fields) for n, s in stacked.items()})

    def _replaced(self, block: Block, packed: Mapping[str, Packed]) -> Block:
        kept = [replace(p, trainable=False) for p in block.parameters if p.name not in packed]
        made = [
            Parameter(name, shape, trainable=False) for tensors in packed.values() for name, shape in tensors.items()
        ]
        whole = {s for p in made for s in p.shape if s.as_numer_denom()[1] != 1 and not s.has(ceiling)}
        conditions = (divides(s.as_numer_denom()[1], s.as_numer_denom()[0]) for s in sorted(whole, key=str))
        return replace(
            block,
            kind=f"{PACKED}{block.kind}",
            parameters=(*made, *kept),
            conditions=(*block.conditions, *conditions),
        )
