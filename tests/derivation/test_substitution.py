"""What a field that keeps its value leaves of the others, and of the traces that were taken before."""

from __future__ import annotations

import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")

from symcount.concolic.observe import trace
from symcount.derivation.resolve import model_class
from symcount.derivation.selectors import steady
from symcount.derivation.structure import depth_fields
from symcount.derivation.substitution import kept


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
