"""What a field that keeps its value leaves of the others, and of the traces that were taken before."""

from __future__ import annotations

from dataclasses import replace

import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")

from symcount.concolic.config.source import source_of
from symcount.concolic.observe import trace
from symcount.concolic.values import expression as ex
from symcount.concolic.values.path import Condition
from symcount.derivation.evidence import Pin, Plan
from symcount.derivation.resolve import model_class
from symcount.derivation.runs import comparable, default_run
from symcount.derivation.selectors import steady
from symcount.derivation.structure import depth_fields
from symcount.derivation.substitution import kept, still_asked


def test_a_pinned_ratio_keeps_what_it_is_multiplied_by():
    found = trace(model_class("EfficientNetModel"), frozen=("depth_coefficient",))
    assert "num_block_repeats[6]" in depth_fields(found)


def test_a_trace_is_as_good_with_a_number_in_the_place_of_a_field():
    cls = model_class("BertModel")
    fields = {"num_attention_heads": 12, "intermediate_size": 3072}
    (put,), again = kept([trace(cls)], fields), trace(cls, frozen=tuple(fields))
    assert [p.shape for p in put.parameters] == [p.shape for p in again.parameters]
    assert put.symbols == again.symbols
    assert kept([put, again], {"hidden_size": 1}) == []


def test_what_is_only_asked_whether_it_is_one_or_two_is_no_running_index():
    cls = model_class("EfficientNetModel")
    traces = [trace(cls), trace(cls, values={"num_block_repeats[0]": 2})]
    assert steady(traces, ["num_block_repeats[0]"]) >= {"strides[0]", "strides[1]"}
    assert not steady(traces, ["num_block_repeats[1]"])  # which did not move


def test_what_chooses_another_model_does_so_when_a_field_is_kept():
    """A field that turns on a shortcut is in no shape: only its guard says that the runs were on one side of it."""
    cls = model_class("BertModel")
    e = default_run(Plan(cls, source_of(None, cls)))
    heads, layers = ex.symbol("num_attention_heads"), ex.symbol("num_hidden_layers")
    guards = (Condition("!=", layers, ex.const(1), ""), Condition("<", heads, layers, ""))
    known = {"num_attention_heads": 2}
    pin = Pin(tuple(known), "", (e.default,), tuple(still_asked((*guards, Condition("<", heads, heads, "")), known)))
    found = default_run(pin.next(replace(e, base={**e.base, **known}))).guards
    assert [(c.relation, str(c.left), str(c.right)) for c in found] == [
        ("!=", "num_hidden_layers", "1"), ("<", "2", "num_hidden_layers")
    ]  # fmt: skip
    assert comparable(replace(e, guards=(Condition("!=", layers, ex.const(12), ""),)), [e.default]) == []
