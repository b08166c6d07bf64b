"""Loops: `range` of a symbolic number has symbolic indices; every parameter knows in which iterations it was made."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

torch = pytest.importorskip("torch")
from torch import nn  # noqa: E402

from symcount.concolic.observe import trace  # noqa: E402
from symcount.concolic.values.carriers import SymbolicInt  # noqa: E402
from symcount.concolic.values.rewriting import generic  # noqa: E402


@dataclass
class Sizes:
    """Sizes of a small model."""

    width: int = 8
    layers: int = 4
    experts: int = 2
    first: int = 1
    period: int = 2


def traced(make):
    class Own(nn.Module):
        def __init__(self, config):
            super().__init__()
            make(self, config)

    return trace(Own, Sizes)


def made(one):
    """Path of each parameter -> the indices of the loops in which it was made."""
    return {p.path: tuple(value for _, value in p.iterations) for p in one.parameters}


def asked(one):
    """What was asked of indices: the same predicate of several iterations once, whatever the loop is called."""
    names = {loop.name: f"i{n}" for n, loop in enumerate(one.loops)}
    found = []
    for c in one.predicates:
        if c.left.indexed or c.right.indexed:
            text = f"{generic(c.left)} {c.relation} {generic(c.right)}"
            for name, short in names.items():
                text = text.replace(name, short)
            found.append(text)
    return list(dict.fromkeys(found))


def test_a_parameter_knows_its_iteration():
    def make(model, c):
        model.layers = nn.ModuleList([nn.Linear(c.width, 1, bias=False) for _ in range(c.layers)])
        model.norm = nn.LayerNorm(c.width)

    one = traced(make)
    assert made(one) == {
        **{f"layers.{i}.weight": (i,) for i in range(4)},
        "norm.weight": (),
        "norm.bias": (),
    }
    (loop,) = one.loops
    assert list(map(str, loop.bounds)) == ["0", "layers", "1"]


def test_loops_inside_loops():
    def make(model, c):
        model.layers = nn.ModuleList(
            [nn.ModuleList([nn.Linear(c.width, 1, bias=False) for _ in range(c.experts)]) for i in range(c.layers)]
        )

    one = traced(make)
    assert made(one) == {f"layers.{i}.{j}.weight": (i, j) for i in range(4) for j in range(2)}
    outer, inner = one.loops
    assert inner.outer == (outer,)


def test_the_bound_of_an_inner_loop_may_be_the_index_of_the_outer():
    def make(model, c):
        model.a = nn.ParameterList([torch.empty(c.width) for i in range(c.layers) for _ in range(i)])

    one = traced(make)
    assert list(made(one).values()) == [(1, 0), (2, 0), (2, 1), (3, 0), (3, 1), (3, 2)]
    outer, inner = one.loops
    assert str(inner.bounds[1]) == outer.name


@pytest.mark.parametrize(
    ("question", "predicates"),
    [
        (lambda i, c: i < c.first, ["i0 < first", "i0 >= first"]),
        (lambda i, c: (i + 1) % c.period == 0, ["period not divides (i0 + 1)", "period divides (i0 + 1)"]),
        (lambda i, c: i == c.layers - 1, ["i0 != (layers + -1)", "i0 == (layers + -1)"]),
        (lambda i, c: i in [0, 7], ["i0 == 0", "i0 != 0", "i0 != 7"]),
        (lambda i, c: i in range(1, c.layers, 2), ["i0 < 1", "i0 >= 1", "i0 < layers", "2 divides (i0 + -1)",
                                                  "2 not divides (i0 + -1)"]),
        (lambda i, c: not i, ["i0 == 0", "i0 != 0"]),
    ],
)  # fmt: skip
def test_what_is_asked_of_an_index_is_a_predicate(question, predicates):
    def make(model, c):
        for i in range(c.layers):
            if question(i, c):
                model.register_parameter(f"a{i}", nn.Parameter(torch.empty(c.width)))

    assert asked(traced(make)) == predicates


def test_a_loop_that_ends_before_its_time_is_left():
    def make(model, c):
        for i in range(c.layers):
            if i == 1:
                break
        model.a = nn.Parameter(torch.empty(c.width))
        for i in range(c.layers):
            try:
                if i == 1:
                    raise ValueError
            except ValueError:
                continue
            model.register_parameter(f"b{i}", nn.Parameter(torch.empty(c.width)))
        model.c = nn.Parameter(torch.empty(c.width))

    assert made(traced(make)) == {"a": (), "b0": (0,), "b2": (2,), "b3": (3,), "c": ()}


def test_loops_side_by_side_are_told_apart():
    def make(model, c):
        model.a = nn.ParameterList([torch.empty(c.width) for _ in range(c.layers)])
        model.b = nn.ParameterList([torch.empty(c.width) for _ in range(c.layers)])
        model.c = nn.ParameterList(
            [torch.empty(c.width) for _, _ in zip(range(c.layers), range(c.layers), strict=True)]
        )

    one = traced(make)
    loops = {p.path[0]: tuple(loop for loop, _ in p.iterations) for p in one.parameters}
    assert len({*loops["a"], *loops["b"], *loops["c"]}) == 4
    assert [p.iterations[0][1] for p in one.parameters] == [0, 1, 2, 3] * 3
    assert made(one)["c.2"] == (2, 2)


def test_the_same_loop_at_other_sizes_is_the_same():
    def make(model, c):
        model.a = nn.ParameterList([torch.empty(c.width) for _ in range(c.layers // c.period)])

    class Own(nn.Module):
        def __init__(self, config):
            super().__init__()
            make(self, config)

    first, second = (trace(Own, Sizes, values={"layers": n}) for n in (4, 5))
    assert [str(loop.bounds[1]) for loop in (*first.loops, *second.loops)] == ["(layers // period)"] * 2
    assert first.loops == second.loops


def test_a_range_is_a_sequence_of_plain_numbers():
    def make(model, c):
        r = range(c.layers)
        assert isinstance(r, range)
        assert (len(r), r[1], r[-1], list(r[1:3]), r.stop, r == range(4), list(reversed(r))) == (
            4, 1, 3, [1, 2], 4, True, [3, 2, 1, 0],
        )  # fmt: skip
        assert list(range(c.layers, 0, -2)) == [4, 2]
        assert 3 in r
        assert 4 not in r
        model.a = nn.Parameter(torch.empty(c.width))

    assert len(traced(make).parameters) == 1


def test_an_index_that_is_looked_up_is_noted():
    def make(model, c):
        special = {5, 11}
        for i in range(c.layers):
            if i in special:
                model.register_parameter(f"a{i}", nn.Parameter(torch.empty(c.width)))
        model.b = nn.Parameter(torch.empty(c.width))

    one = traced(make)
    assert list(one.hashed) == [one.loops[0].name]


def test_a_field_of_the_config_that_gets_an_index_is_a_number():
    @dataclass
    class Inner:
        index: int = 0

    @dataclass
    class Outer:
        layers: int = 3
        width: int = 4
        parts: list[Inner] = field(default_factory=list)

        def __post_init__(self):
            self.parts = [Inner(i) for i in range(self.layers)]

    class Own(nn.Module):
        def __init__(self, config):
            super().__init__()
            self.a = nn.ParameterList([torch.empty(config.width, part.index + 1) for part in config.parts])

    one = trace(Own, Outer)
    assert [tuple(map(str, p.shape)) for p in one.parameters] == [
        ("width", f"(parts[{i}].index + 1)") for i in range(3)
    ]
    assert [one.symbols[f"parts[{i}].index"] for i in range(3)] == [0, 1, 2]


def test_a_loop_that_makes_a_table_asks_nothing_new_after_many_iterations():
    def make(self, config):
        self.table = nn.Parameter(torch.empty(config.width))
        asked.extend(type(i) for i in range(config.width))

    asked: list[type] = []
    one = traced(make)
    assert asked == [SymbolicInt] * 8
    asked.clear()
    big = trace(one.modules[0].cls, Sizes(width=1 << 17))
    assert asked[: 1 << 16] == [SymbolicInt] * (1 << 16)
    assert set(asked[1 << 16 :]) == {int}
    assert big.symbols["width"] == 1 << 17
