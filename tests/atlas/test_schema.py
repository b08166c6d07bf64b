"""What a config's keys mean, on a layout made by hand: every rule, and every refusal in words."""

import pytest

from symcount.atlas.codes import code
from symcount.atlas.record import Check, Layout, Number, Section, StoredFormula
from symcount.atlas.schema import Reader
from symcount.errors import ConfigError, DomainError, UncoveredError

EVERY = {
    "form": "list", "depth": "depths[1]", "cases": [[[["every", "period", 1]], "full"], [[], "sliding"]],
    "numbers": {"period": 3}, "beside": {"bias": False},
}  # fmt: skip
FIRST = {
    "form": "list", "depth": "depths[0]", "cases": [[[["below", 1]], "dense"], [[], "sparse"]], "longer": True,
    "numbers": {}, "beside": {},
}  # fmt: skip
MOVED = {
    "form": "layers", "depth": "depths[1]", "cases": [[[["last", 2]], {"width": 9}], [[], None]],
    "numbers": {}, "beside": {"every": None},
}  # fmt: skip


def each(number, other):
    """The rule of a list of a number for each layer, computed from another list, which is computed from it."""
    return {
        "form": "list", "depth": "depths[0]", "cases": [[[], number]], "numbers": {}, "beside": {other: None},
    }  # fmt: skip


TWICE = {"form": "number", "terms": ["times", "width", 2], "numbers": {}, "beside": {}}
ASKED = [[[], "has", "factor"], [["type"], "equals", "default"], [["theta"], "number", None]]
LAYOUT = Layout(
    sections={
        "": Section(
            {"width": "i", "heads": "i", "size": "isn", "ratio": "f", "bias": "b", "unread": "i", "depths": "l"},
            {"n_embd": "width"},
            ["legacy"],
            {"depths": 2},
        ),
        "vision": Section({"width": "i"}, null=True),
        "audio": Section({"bins": "i"}, flat=True, instead="audio_dict"),
        "gone": Section(optional="absent", meant={"size": 3, "kind": "x"}, own=["size"]),
    },
    numbers={
        "width": Number("H", 8, minimum=1),
        "heads": Number("A", 2, minimum=1),
        "size": Number("D", rule="_divide(H, A)", null="_divide(H, A)", minimum=1),
        "ratio": Number("r", 4.0, ratio=True),
        "depths[0]": Number("N_0", 2),
        "depths[1]": Number("N_1", 6),
        "num_labels": Number("Y", 2, minimum=1),
        "vision.width": Number("W", 16, absent=32),
        "audio.bins": Number("B", 80),
    },
    checks={
        "bias": Check(False, None, {"false": 0, "true": 1}),
        "act": Check("gelu", None, {"'gelu": 0}, activation=True),
        "kinds": Check(None, None, {"null": 0}, pattern={"depth": "depths[1]", "kinds": ["a", "b"]}),
        "cycle": Check(
            None, None, {"null": 0},
            pattern={"depth": "depths[1]", "period": ["a", "a", "b"], "same": {"heads": 2}},
        ),
        "inner": Check(None, None, {"absent": 0}, equals="H * 2"),
        "names": Check(None, None, {"absent": 0}, pattern={"numbered": ["stem", "stage"]}),
        "out": Check(None, None, {"absent": 0, '=["stem"]': 0}, pattern={"stages": 2}),
        "every": Check(None, None, {"null": 0}, rule=EVERY),
        "first": Check(None, None, {"null": 0}, rule=FIRST),
        "moved": Check(None, None, {"absent": 0}, rule=MOVED),
        "one": Check(None, None, {"absent": 0}, rule=each(1, "two")),
        "two": Check(None, None, {"absent": 0}, rule=each(2, "one")),
        "twice": Check(None, None, {"null": 0}, rule=TWICE),
        "rope": Check(None, None, {"null": 0}, paths=[[{"type": "default", "theta": 1.0}, ASKED]]),
    },
    switches=["bias"],
    states={"0": [0], "1": [1]},
    formulas=[StoredFormula([], {"unique": "1"}), StoredFormula([], {"unique": "2"})],
)  # fmt: skip
READER = Reader(LAYOUT, frozenset({"relu"}))


def read(**fields):
    return READER.read(fields)


def test_defaults():
    reading = read()
    assert reading.formulas == [0]
    assert reading.values == {
        "width": 8, "heads": 2, "size": 4, "ratio": 4, "depths[0]": 2, "depths[1]": 6, "num_labels": 2,
        "vision.width": 32, "audio.bins": 80,
    }  # fmt: skip
    assert reading.stated == frozenset()


@pytest.mark.parametrize(
    ("fields", "path", "value"),
    [
        ({"width": 16}, "size", 8),
        ({"n_embd": 16}, "width", 16),
        ({"n_embd": 16, "width": 16}, "width", 16),
        ({"size": None, "heads": 4}, "size", 2),
        ({"size": 5}, "size", 5),
        ({"depths": [3, 4]}, "depths[1]", 4),
        ({"num_labels": 5}, "num_labels", 5),
        ({"id2label": {"0": "a", "1": "b", "2": "c"}}, "num_labels", 3),
        ({"id2label": {"0": "a", "1": "b", "2": "c"}, "num_labels": 3}, "num_labels", 3),
        ({"id2label": None}, "num_labels", 2),
        ({"vision": {}}, "vision.width", 16),
        ({"vision": {"width": 3}}, "vision.width", 3),
        ({"vision": None}, "vision.width", 32),
        ({"bins": 7}, "audio.bins", 7),
        ({"audio": {"bins": 7}}, "audio.bins", 7),
        ({"audio": {"bins": 7}, "audio_dict": {"bins": 9}}, "audio.bins", 9),
        ({"audio": {"bins": 7}, "audio_dict": {}}, "audio.bins", 80),
        ({"audio": {"bins": 7}, "audio_dict": None}, "audio.bins", 7),
        ({"ratio": 2.5}, "ratio", 2.5),
        ({"unknown": {"deep": [1]}}, "width", 8),
    ],
)
def test_numbers(fields, path, value):
    assert READER.read(fields).values[path] == value


@pytest.mark.parametrize(
    "fields",
    [
        {"act": "relu"},
        {"kinds": ["a", "b", "b", "b", "a", "a"]},
        {"cycle": ["a", "a", "b"] * 2},
        {"inner": 16},
        {"legacy": None},
        {"names": ["stem", "stage1", "stage2", "stage3"]},
        {"out": ["stage3", "stage6"]},
        {"out": [3, 6]},
        {"out": ["stem"]},
        {"every": ["sliding", "sliding", "full"] * 2},
        {"every": ["sliding", "full"] * 3, "period": 2},
        {"first": ["dense", "sparse"]},
        {"first": ["dense", "sparse", "whatever"]},
        {"first": ["dense"], "depths": [1, 6]},
        {"moved": {"04": {"width": 9}, "05": {"width": 9}}},
        {"moved": {"4": {"width": 9}, "5": {"width": 9}}, "every": ["sliding", "sliding", "full"] * 2},
        {"moved": {}, "width": 9, "size": 1},
        {"one": [1, 1], "two": [2, 2]},
        {"twice": 16},
        {"twice": 32, "width": 16},
        {"rope": {"type": "default", "theta": 5e5}},
        {"rope": {"theta": 1, "type": "default", "comment": ["any"]}},
        {"gone": {"size": 3, "kind": "x", "transformers_version": "5.0"}},
        {"gone": {"size": 3}},
    ],
)
def test_what_has_no_influence(fields):
    assert READER.read(fields).formulas == [0]


def test_switch():
    assert read(bias=True).formulas == [1]


@pytest.mark.parametrize(
    ("fields", "error", "words"),
    [
        (
            {"width": 8.0},
            DomainError,
            r"H .width.: expected an integer of at least 1, got 8.0; write it without a point",
        ),
        ({"width": True}, DomainError, r"H .width.: expected an integer of at least 1, got True; give a number"),
        ({"width": "8"}, DomainError, "expected an integer of at least 1, got '8'; give a number"),
        ({"width": [8]}, DomainError, "expected an integer of at least 1, got"),
        ({"width": None}, ConfigError, r"H .width. is null; give a number"),
        ({"width": 0}, DomainError, "expected an integer of at least 1, got 0"),
        ({"width": -8}, DomainError, "expected an integer of at least 1, got -8"),
        ({"width": 2**63}, DomainError, "expected at most 2.63 - 1"),
        ({"width": 10**4000}, DomainError, "a number of about 4000 digits"),
        ({"unread": "x"}, ConfigError, "unread: expected an integer"),
        ({"ratio": float("nan")}, DomainError, r"r .ratio.: expected a positive number, got nan"),
        ({"bias": 1}, ConfigError, "bias: expected true or false, got 1"),
        ({"bias": None}, ConfigError, "bias: expected true or false, got None"),
        ({"size": "x"}, UncoveredError, 'size = "x" is outside the stored formulas; give a number'),
        ({"size": [1]}, DomainError, r"D .size.: expected an integer of at least 1, got .1."),
        ({"n_embd": 8, "width": 16}, ConfigError, "width = 16 and n_embd = 8 name the same quantity"),
        ({"heads": 3}, UncoveredError, "size is left out, and .H/A. is no integer here"),
        ({"depths": [1, 2, 3]}, UncoveredError, "depths has 3 elements, the stored formulas are for 2"),
        ({"depths": [1, "x"]}, DomainError, r"depths\[1\].: expected an integer"),
        ({"depths": [[1], 2]}, DomainError, r"depths\[0\].: expected an integer"),
        ({"legacy": 1}, UncoveredError, "legacy = 1 changes the model in a way that was not measured"),
        ({"act": "prelu"}, UncoveredError, 'act = "prelu" is outside the stored formulas'),
        ({"act": None}, UncoveredError, "act = null is outside the stored formulas"),
        ({"kinds": ["a"]}, UncoveredError, "kinds = .* outside"),
        ({"kinds": ["a"] * 5 + ["c"]}, UncoveredError, "kinds = .* outside"),
        ({"cycle": ["a"] * 6}, UncoveredError, "cycle = .* outside"),
        ({"cycle": ["a", "a", "b"] * 2, "heads": 4}, UncoveredError, "cycle = .* outside"),
        ({"inner": 17}, UncoveredError, "inner = 17 is outside"),
        ({"inner": None}, UncoveredError, "inner = null is outside"),
        ({"names": ["stem", "stage2"]}, UncoveredError, "names = .* outside"),
        ({"out": ["stage3"]}, UncoveredError, "out = .* outside"),
        ({"out": ["stage6", "stage3"]}, UncoveredError, "out = .* outside"),
        ({"out": ["stem", "stage3"]}, UncoveredError, "out = .* outside"),
        ({"out": [3, "stage6"]}, UncoveredError, "out = .* outside"),
        ({"out": [True, 2]}, UncoveredError, "out = .* outside"),
        ({"every": ["sliding", "full"] * 3}, UncoveredError, "every = .* outside"),
        ({"every": ["sliding", "sliding", "full"] * 2, "period": None}, UncoveredError, "every = .* outside"),
        ({"every": ["sliding", "sliding", "full"] * 2, "period": 0}, UncoveredError, "every = .* outside"),
        ({"every": ["sliding", "sliding", "full"] * 2, "bias": True}, UncoveredError, "every = .* outside"),
        ({"every": ["sliding", "sliding", "full"] * 3}, UncoveredError, "every = .* outside"),
        ({"first": ["sparse", "sparse"]}, UncoveredError, "first = .* outside"),
        ({"first": ["dense"]}, UncoveredError, "first = .* outside"),
        ({"moved": {"4": {"width": 9}}}, UncoveredError, "moved = .* outside"),
        ({"moved": {"04": {"width": 9}, "4": {"width": 9}}}, UncoveredError, "moved = .* outside"),
        (
            {"moved": {"4": {"width": 9}, "5": {"width": 9}}, "every": ["full"] * 6},
            UncoveredError,
            "every = .* outside",
        ),
        ({"one": [1, 1], "two": [2]}, UncoveredError, "two = .* outside|one = .* outside"),
        ({"twice": 17}, UncoveredError, "twice = 17 is outside"),
        ({"twice": 16.0}, UncoveredError, "twice = 16.0 is outside"),
        ({"rope": {"type": "yarn", "theta": 1.0}}, UncoveredError, "rope = .* outside"),
        ({"rope": {"type": "default"}}, UncoveredError, "rope = .* outside"),
        ({"rope": {"type": "default", "theta": "1"}}, UncoveredError, "rope = .* outside"),
        ({"rope": {"type": "default", "theta": 1.0, "factor": None}}, UncoveredError, "rope = .* outside"),
        ({"gone": {"kind": "x"}}, UncoveredError, "gone is given, but the stored formulas are for configs that leave"),
        ({"gone": {"size": 3, "more": 1}}, UncoveredError, "gone is given"),
        ({"gone": {"size": 4}}, UncoveredError, "gone is given"),
        ({"audio_dict": 3}, ConfigError, "audio: expected an object, got 3"),
        ({"id2label": ["a"]}, ConfigError, "id2label: expected an object"),
        ({"id2label": {"a": "b"}}, ConfigError, "id2label: expected numbers as keys"),
        ({"id2label": {"0": "a"}, "num_labels": 2}, ConfigError, "id2label names 1 labels, but num_labels = 2"),
        ({"vision": 3}, ConfigError, "vision: expected an object, got 3"),
        ({"audio": None}, UncoveredError, "audio = null is outside"),
    ],
)
def test_refusals(fields, error, words):
    with pytest.raises(error, match=words):
        READER.read(fields)


@pytest.mark.parametrize(
    ("rope", "said"),
    [
        ({"type": "linear", "factor": 2}, "rope linear"),
        ({"rope_type": "yarn", "factor": 4.0}, "rope yarn"),
        ({"rope_type": "linear"}, "rope linear without factor"),
        ({"rope_type": "yarn", "factor": "x"}, "rope yarn without factor"),
        ({"rope_type": "dynamic", "factor": True}, "rope dynamic without factor"),
        ({"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0}, "rope llama3 without high_freq_factor"),
        ({"type": "su", "short_factor": [1.0]}, "rope su without long_factor"),
        ({"rope_type": "longrope", "short_factor": 1.0, "long_factor": [1.0]}, "rope longrope without short_factor"),
    ],
)
def test_rotary_positions_that_transformers_refuses_have_a_code_of_their_own(rope, said):
    assert code(rope) == said


def test_codes_tell_kinds_of_values_apart():
    values = [
        None,
        True,
        False,
        1,
        "1",
        [],
        [1, 2],
        ["a"],
        [[1]],
        {},
        {"a": 1},
        {"type": "yarn", "factor": 2.0},
        {"rope_theta": 1.0},
    ]
    codes = [code(v) for v in values]
    assert len(set(codes)) == len(codes)


def test_a_number_passes_where_no_check_compares_it():
    checks = {
        "token": Check(accept={"#": 0, "null": 0}),
        "computed": Check(accept={"#": 1}, equals="N"),
        "ruled": Check(accept={"#": 1}, rule={"numbers": {"n": 2}, "beside": {"other": 3}, "form": "number"}),
        "chosen": Check(accept={"null": 0}),
        "other": Check(accept={"#": 0}),
        "usual": Check(accept={"#": 0}),
        "kinds": Check(pattern={"list": [1], "same": {"usual": 3}}),
    }
    reader = Reader(Layout(sections={"": Section()}, checks=checks), frozenset())
    assert reader.passing == {"token"}
