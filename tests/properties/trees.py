"""Random models: a tree of symcount, and beside it a `torch.nn.Module` built from the same draws by other code.

A `Part` has both: the block, and a function that builds the module at given sizes. Sizes are expressions of letters for
the tree and functions of numbers for torch, drawn together: nothing of what is tested is used to build the module.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import torch
from hypothesis import strategies as st
from torch import nn

from symcount import layers
from symcount.core.notation import Notation, entry, letters
from symcount.core.tree import Block, Parameter, stack
from symcount.formulas.formula import Formula

LETTERS = "H A D I M V N d E k".split()
NOTATION = Notation(tuple(entry(letter) for letter in LETTERS))
H, A, D, I, M, V, N, d, E, k = letters(" ".join(LETTERS))

Env = Mapping[str, int]


@dataclass(frozen=True)
class Size:
    """A size: its expression, and how Python computes it."""

    symbolic: Any
    at: Callable[[Env], int]


def _letter(name: str) -> Size:
    return Size(entry(name).symbol, lambda env: env[name])


SIZES = {name: _letter(name) for name in "HADIMVEN"}


@st.composite
def sizes(draw: Any) -> Size:
    """A letter, a number, a multiple, a sum or a product."""
    a, b = (SIZES[draw(st.sampled_from("HHADIMVEN"))] for _ in range(2))
    n = draw(st.integers(1, 3))
    return draw(
        st.sampled_from(
            [
                a,
                a,
                Size(n, lambda _: n),
                Size(n * a.symbolic, lambda env: n * a.at(env)),
                Size(a.symbolic + n, lambda env: a.at(env) + n),
                Size(a.symbolic * b.symbolic, lambda env: a.at(env) * b.at(env)),
                Size(a.symbolic + 2 * b.symbolic, lambda env: a.at(env) + 2 * b.at(env)),
            ]
        )
    )


@st.composite
def counts(draw: Any) -> Size:
    """How often a block stands in its place; `N - d` may be nothing."""
    n = draw(st.integers(1, 3))
    return draw(
        st.sampled_from(
            [
                SIZES["N"],
                SIZES["N"],
                Size(N - d, lambda env: env["N"] - env["d"]),
                Size(d, lambda env: env["d"]),
                Size(2 * N, lambda env: 2 * env["N"]),
                Size(N + 1, lambda env: env["N"] + 1),
                Size(n, lambda _: n),
            ]
        )
    )


@st.composite
def environments(draw: Any) -> dict[str, int]:
    """Small sizes in the domain: A divides H, k ≤ E, d ≤ N."""
    env = {name: draw(st.integers(1, 4)) for name in ("A", "D", "I", "M", "V", "N", "E")}
    env["H"] = env["A"] * draw(st.integers(1, 3))
    env["d"] = draw(st.integers(0, env["N"]))
    env["k"] = draw(st.integers(1, env["E"]))
    return env


# ------------------------------------------------------------------ modules


@dataclass
class Building:
    """What has been built so far, by path with `*` for indices; of a list, the element that is being built."""

    env: Env
    share: Fraction = Fraction(1)
    role: str | None = None
    tensors: dict[str, nn.Parameter] | None = None
    modules: dict[str, nn.Module] | None = None


class Owned(nn.Module):
    """A module with parameters of its own."""


def tensor(b: Building, shape: tuple[int, ...], trainable: bool = True) -> nn.Parameter:
    """A parameter on the meta device, marked with the share of it that one token uses."""
    made = nn.Parameter(torch.empty(shape, device="meta"), requires_grad=trainable)
    made.share = b.share
    return made


def marked(module: nn.Module, b: Building) -> nn.Module:
    """A module with its share and role on itself and on its parameters."""
    for inner in module.modules():
        inner.role = b.role
    for parameter in module.parameters():
        parameter.share = b.share
    return module


@dataclass(frozen=True)
class Part:
    """A part of a model."""

    block: Block
    build: Callable[[Building, str], nn.Module]


def _leaf(block: Block, make: Callable[[Env], nn.Module], role: str | None = None) -> Part:
    def build(b: Building, path: str) -> nn.Module:
        with torch.device("meta"):
            module = make(b.env)
        module.__dict__["symcount_leaf"] = True
        marked(module, replace(b, role=role or b.role))
        for name, parameter in module.named_parameters():
            b.tensors[f"{path}.{name}"] = parameter
        return module

    return Part(block, build)


class Shapes(nn.Module):
    """A module with parameters of given shapes, and a buffer, which is no parameter."""

    def __init__(self, **shapes: tuple[int, ...]) -> None:
        super().__init__()
        for name, shape in shapes.items():
            setattr(self, name, nn.Parameter(torch.empty(shape)))
        self.register_buffer("positions", torch.empty(7))


@st.composite
def leaves(draw: Any) -> Part:
    """A layer of the catalogue, and torch's own of the same sizes."""
    a, b = draw(sizes()), draw(sizes())
    bias = draw(st.booleans())
    frozen = draw(st.booleans())

    def embedding(env: Env) -> nn.Module:
        table = nn.Embedding(a.at(env), b.at(env))
        table.weight.requires_grad_(not frozen)
        return table

    def linear(env: Env) -> nn.Module:
        return nn.Linear(a.at(env), b.at(env), bias)

    x, y = a.symbolic, b.symbolic
    return draw(
        st.sampled_from(
            [
                _leaf(layers.Linear(x, y, bias), linear),
                _leaf(layers.Linear(x, y, bias), linear),
                _leaf(layers.Embedding(x, y, trainable=not frozen, role=None), embedding),
                _leaf(layers.Embedding(x, y, trainable=not frozen), embedding, "embedding"),
                _leaf(replace(layers.Linear(x, y, bias), role="head"), linear, "head"),
                _leaf(layers.LayerNorm(x, bias=bias), lambda env: nn.LayerNorm(a.at(env), bias=bias)),
                _leaf(layers.RMSNorm(x), lambda env: nn.RMSNorm(a.at(env))),
                _leaf(layers.BatchNorm(x), lambda env: nn.BatchNorm1d(a.at(env))),
                _leaf(layers.GroupNorm(A, H), lambda env: nn.GroupNorm(env["A"], env["H"])),
                _leaf(layers.Conv1d(x, y, 3, bias=bias), lambda env: nn.Conv1d(a.at(env), b.at(env), 3, bias=bias)),
                _leaf(
                    layers.Conv2d(H, H * x, (2, y), groups=A, bias=bias),
                    lambda env: nn.Conv2d(env["H"], env["H"] * a.at(env), (2, b.at(env)), groups=env["A"], bias=bias),
                ),
                _leaf(
                    Block("", "Split", (Parameter("weight", (H / A, x)), Parameter("scale", ()))),
                    lambda env: Shapes(weight=(env["H"] // env["A"], a.at(env)), scale=()),
                ),
                _experts(draw(st.booleans())),
            ]
        )
    )


def _experts(frozen: bool) -> Part:
    stacked = layers.Experts(H, M, E, k)
    if frozen:
        stacked = replace(stacked, parameters=tuple(replace(p, trainable=False) for p in stacked.parameters))

    def build(b: Building, path: str) -> nn.Module:
        inner = replace(b, share=b.share * Fraction(b.env["k"], b.env["E"]))
        with torch.device("meta"):
            module = Shapes(
                gate_up_proj=(b.env["E"], 2 * b.env["M"], b.env["H"]), down_proj=(b.env["E"], b.env["H"], b.env["M"])
            )
        module.requires_grad_(not frozen)
        module.__dict__["symcount_leaf"] = True
        marked(module, inner)
        for name, parameter in module.named_parameters():
            b.tensors[f"{path}.{name}"] = parameter
        return module

    return Part(stacked, build)


@dataclass(frozen=True)
class Owner:
    """A tensor or module that a later part may share."""

    path: str
    shape: tuple[Any, ...]
    sizes: Callable[[Env], tuple[int, ...]] | None = None


def _tied(owner: Owner, role: str | None) -> Part:
    """A layer of no bias whose weight is another's."""
    block = Block("", "Linear", (Parameter("weight", owner.shape, alias_of=owner.path),), role=role)

    def build(b: Building, path: str) -> nn.Module:
        module = Owned()
        module.weight = b.tensors[owner.path]
        module.__dict__["symcount_leaf"] = True
        module.role = role or b.role
        return module

    return Part(block, build)


def _twin(path: str, part: Part) -> Part:
    """The very module that stands at *path*, a second time."""
    return Part(replace(part.block, same_as=path), lambda b, _: b.modules[path])


@st.composite
def containers(draw: Any, path: str = "", depth: int = 3, shared: tuple[Owner, ...] = (), *, ties: bool = True) -> Part:
    """A module of one to four parts: layers, containers, lists of equal or of different layers; some of them shared.

    Args:
        draw: of hypothesis.
        path: of the module, with `*` for indices.
        depth: how many levels there may be below it.
        shared: tensors around it that a layer inside may use, also once in every element of a list.
        ties: whether anything is shared.
    """
    owners = list(shared)
    beside: list[Owner] = []  # tensors of modules that are no layers
    twins: list[tuple[str, Part]] = []
    made: list[tuple[str, Part]] = []
    own_bias = draw(st.sampled_from([None, None, draw(sizes())]))
    again = draw(st.sampled_from([None, None, *shared])) if ties else None  # a second name in no layer
    for i in range(draw(st.integers(1, 4))):
        name = f"part{i}"
        here = f"{path}.{name}" if path else name
        kind = draw(st.sampled_from(["leaf", "leaf", "inner", "inner", "list", "list", "list", "tied", "tied", "twin"]))
        if kind == "inner" and depth > 0:
            part = draw(containers(here, depth - 1, tuple(owners), ties=ties))
            if "*" not in path:  # what only a module that is no layer holds may be tied where no list may be empty
                beside += [Owner(f"{here}.{p.name}", p.shape) for p in part.block.parameters if p.alias_of is None]
        elif kind == "list" and depth > 0:
            part = draw(_lists(here, depth - 1, tuple(owners), ties))
        elif kind == "tied" and owners and ties:
            # a head in a list that may be empty would be a role that depends on a size, which no formula says
            role = None if "*" in path else draw(st.sampled_from([None, "head"]))
            part = _tied(draw(st.sampled_from([*owners, *beside])), role)
        elif kind == "twin" and twins and ties and "*" not in path:
            part = _twin(*draw(st.sampled_from(twins)))
        else:
            part = draw(leaves())
            owners += [Owner(f"{here}.{p.name}", p.shape) for p in part.block.parameters]
            twins.append((here, part))
        made.append((name, part))
    parameters = () if own_bias is None else (Parameter("bias", (own_bias.symbolic,), trainable=False),)
    if again is not None:
        parameters += (Parameter("again", again.shape, alias_of=again.path),)
    block = Block("", "Container", parameters, tuple(part.block.named(name) for name, part in made))

    def build(b: Building, where: str) -> nn.Module:
        module = Owned()
        module.role = b.role
        if own_bias is not None:
            module.bias = tensor(b, (own_bias.at(b.env),), trainable=False)
            b.tensors[f"{where}.bias" if where else "bias"] = module.bias
        if again is not None:
            module.again = b.tensors[again.path]
        for name, part in made:
            below = f"{where}.{name}" if where else name
            child = part.build(b, below)
            b.modules[below] = child
            module.add_module(name, child)
        return module

    return Part(block, build)


@st.composite
def _lists(draw: Any, path: str, depth: int, shared: tuple[Owner, ...], ties: bool) -> Part:
    """A list of one or two kinds of layers, each with its number; what is shared inside an element is its own."""
    found = []
    for number in range(draw(st.integers(1, 2))):
        name = "*" if number == 0 else "late_*"
        found.append((name, draw(counts()), draw(containers(f"{path}.{name}", depth, shared, ties=ties))))
    if len(found) == 1:
        block = stack(found[0][1].symbolic, found[0][2].block)
    else:
        block = Block(
            "",
            "ModuleList",
            children=tuple(replace(part.block.named(name), repeat=count.symbolic) for name, count, part in found),
        )

    def build(b: Building, where: str) -> nn.Module:
        module = Owned()
        module.role = b.role
        for name, count, part in found:
            for index in range(count.at(b.env)):
                module.add_module(name.replace("*", str(index)), part.build(b, f"{where}.{name}"))
        return module

    return Part(block, build)


def formula(part: Part) -> Formula:
    """The closed form of a part."""
    return Formula(part.block, NOTATION, "Random")


def built(part: Part, env: Env) -> nn.Module:
    """The real module."""
    return part.build(Building(env, tensors={}, modules={}), "")


def counted(model: nn.Module) -> dict[str, int]:
    """What the conventions count, by a walk over the real module."""
    modules: dict[int, nn.Module] = {}
    queue = [model]
    while queue:
        module = queue.pop()
        if id(module) not in modules:
            modules[id(module)] = module
            queue += module._modules.values()
    parameters: dict[int, nn.Parameter] = {}
    uses: dict[int, int] = {}
    used_by_role: set[int] = set()
    for module in modules.values():
        for parameter in module._parameters.values():
            if parameter is not None:
                parameters[id(parameter)] = parameter
                uses[id(parameter)] = uses.get(id(parameter), 0) + bool(module.__dict__.get("symcount_leaf"))
                if module.role:
                    used_by_role.add(id(parameter))
    active = sum(p.share * p.numel() for p in parameters.values())
    assert Fraction(active).denominator == 1
    return {
        "unique": sum(p.numel() for p in parameters.values()),
        "per_layer": sum(p.numel() * max(1, uses[key]) for key, p in parameters.items()),
        "non_embedding": sum(p.numel() for key, p in parameters.items() if key not in used_by_role),
        "active": int(active),
        "trainable": sum(p.numel() for p in parameters.values() if p.requires_grad),
    }
