"""What a model's code asks of texts, objects and lists of a config is recorded, and answered as of plain ones."""

import copy
import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

pytest.importorskip("torch")

from symcount.concolic.config.opaque import is_observed, observed, plain
from symcount.concolic.values.path import STATE, Recorder

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.text("ab", max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("ab", max_size=2), inner, max_size=3),
    max_leaves=8,
)
USES = {
    "truth": lambda v, _: bool(v),
    "equal": lambda v, other: v == other,
    "unequal": lambda v, other: v != other,
    "reflected": lambda v, other: other == v,
    "length": lambda v, _: len(v),
    "inside": lambda v, other: other in v,
    "elements": lambda v, _: [plain(x) for x in v],
    "get": lambda v, other: plain(v.get(other, "none")),
    "items": lambda v, _: [(k, plain(x)) for k, x in v.items()],
    "copied": lambda v, _: plain(copy.deepcopy(v)),
    "json": lambda v, _: json.dumps(v),
    "sum": lambda v, _: plain(v + v),
    "unpacked": lambda v, _: {**v},
    "word": lambda v, _: f"{v}" + v.upper() if isinstance(v, str) else v[0],
    "listed": lambda v, _: [*list(v), *v],
    "hash": lambda v, _: {v: 1}[v],
}


@pytest.fixture
def recorder():
    STATE.recorder = Recorder()
    yield STATE.recorder
    STATE.recorder = None


def answered(use, value, other):
    """What a use gives, or the kind of error."""
    try:
        return use(value, other)
    except (TypeError, AttributeError, IndexError, KeyError) as error:
        return type(error)


@pytest.mark.parametrize("name", USES)
@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])  # on a machine that is busy
@given(value=st.text("ab", max_size=3) | JSON, other=JSON)
def test_an_observed_value_answers_as_a_plain_one(name, value, other):
    STATE.recorder = Recorder()
    try:
        found = answered(USES[name], observed(("field", ()), value, {}), other)
        assert plain(found) == answered(USES[name], value, other)
    finally:
        STATE.recorder = None


ROPE = {"type": "yarn", "factor": 4.0, "inner": {"on": True, "list": [1, 2]}}
QUESTIONS = [
    ("linear", lambda v: v == "silu", [((), "equals", "silu")]),
    ("linear", lambda v: v in ("silu", "linear"), [((), "equals", "silu"), ((), "equals", "linear")]),
    ("linear", lambda v: v.startswith("lin"), [((), "begins", "lin")]),
    ("linear", lambda v: v.endswith("x"), [((), "ends", "x")]),
    ("linear", lambda v: "near" in v, [((), "contains", "near")]),
    ("linear", lambda v: {"linear": 1}[v], [((), "value", None), ((), "equals", "linear")]),
    ("linear", lambda v: v.upper(), [((), "value", None)]),
    ("linear", lambda v: "a" + v, [((), "value", None)]),
    ("linear", lambda v: None if v else 0, [((), "filled", None)]),
    (ROPE, lambda v: "factor" in v, [((), "has", "factor")]),
    (ROPE, lambda v: v["type"] == "x", [((), "has", "type"), (("type",), "equals", "x")]),
    (
        ROPE,
        lambda v: v["inner"]["on"],
        [((), "has", "inner"), (("inner",), "has", "on"), (("inner", "on"), "value", None)],
    ),
    (ROPE, lambda v: v["factor"] * 2, [((), "has", "factor")]),
    (ROPE, lambda v: list(v), [((), "keys", None)]),
    (["a", "b"], lambda v: v[1] == "b", [((), "length", None), ((1,), "equals", "b")]),
    (["a", "b"], lambda v: len(v), [((), "length", None)]),
    ((8, 16), lambda v: v[0], [((), "length", None), ((0,), "value", None)]),
]  # fmt: skip


@pytest.mark.parametrize(("value", "use", "asked"), QUESTIONS, ids=[str(i) for i in range(len(QUESTIONS))])
def test_what_is_asked(value, use, asked, recorder):
    use(observed(("field", ()), value, {}))
    assert [(q.steps, q.kind, q.argument) for q in recorder.asked] == asked


def test_numbers_of_an_object_are_symbols(recorder):
    numbers = {}
    value = observed(("rope", ()), {"factor": 4.0, "inner": {"size": 3}}, numbers)
    assert (str((value["factor"] * 2).node), int(value["inner"]["size"])) != ("", 0)
    assert numbers == {'rope["factor"]': 4.0, 'rope["inner"]["size"]': 3}


def test_what_is_changed_stays_changed(recorder):
    value = observed(("rope", ()), {}, {})
    value.setdefault("inner", {})["deep"] = 1
    assert plain(value) == {"inner": {"deep": 1}}
    assert is_observed(value["inner"])
