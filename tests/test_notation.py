"""The table of symbols, and what it does with names it has never seen."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from symcount.core.letters import assign
from symcount.core.notation import ALIASES, TABLE, Entry, Notation, canonical, entry, escape, letters, symbol
from symcount.errors import NotationError, UnknownSymbolError

BERT = Notation(tuple(entry(letter) for letter in "VLHINTA"))


def test_no_two_entries_share_letter_field_or_latex():
    for attribute in ("letter", "field", "latex"):
        seen = [getattr(e, attribute) for e in TABLE]
        assert len(set(seen)) == len(seen), attribute


def test_aliases_lead_to_fields_of_the_table_and_are_none_themselves():
    fields = {e.field for e in TABLE}
    assert set(ALIASES.values()) <= fields
    assert not set(ALIASES) & fields


def test_every_symbol_is_a_positive_integer_and_unique():
    for e in TABLE:
        assert e.symbol.is_integer
        assert e.symbol.is_positive
        assert e.symbol == symbol(e.letter)


@pytest.mark.parametrize(
    ("name", "letter"),
    [("H", "H"), ("hidden_size", "H"), ("n_embd", "H"), ("d_model", "H"), ("n_layer", "N"), ("n_inner", "I")],
)
def test_letter_field_and_alias_are_one_entry(name, letter):
    assert entry(name).letter == letter
    assert entry(canonical(name)).letter == letter


def test_a_familys_own_spelling_is_found_beside_the_canonical_one():
    notation = Notation((Entry("H", "n_embd", "H", "width"),))
    assert notation["n_embd"] is notation["hidden_size"] is notation["d_model"] is notation["H"]


def test_a_sub_configs_field_is_not_the_models():
    notation = assign(["vision_config.hidden_size", "hidden_size"])
    assert notation["vision_config.hidden_size"].letter != notation["hidden_size"].letter
    assert notation["vision_config.d_model"].letter == notation["vision_config.hidden_size"].letter


@pytest.mark.parametrize("bad", ["", "1H", "H-1", "H H", "__", "é", "H\n", "import os", 3, None])
def test_symbol_names_are_identifiers(bad):
    with pytest.raises(NotationError, match="expected a letter or identifier"):
        symbol(bad)


def test_unknown_names_are_errors_with_suggestions():
    with pytest.raises(
        UnknownSymbolError, match=r"'hiden_size' is not in the notation table\. Did you mean hidden_size"
    ):
        entry("hiden_size")
    with pytest.raises(UnknownSymbolError, match=r"'hidden': this formula has V \(vocab_size\).*H \(hidden_size\)"):
        BERT["hidden"]


def test_two_fields_never_share_a_letter():
    with pytest.raises(NotationError, match="'H' stands for both hidden_size and width"):
        Notation((entry("H"), Entry("H", "width", "W", "width")))


def test_restriction_keeps_the_order():
    assert [e.letter for e in BERT.restrict([symbol("H"), symbol("V")])] == ["V", "H"]


def test_other_latex_by_letter_or_field():
    changed = BERT.with_latex({"hidden_size": r"d_{\mathrm{model}}", "L": "n"})
    assert changed["H"].latex == r"d_{\mathrm{model}}"
    assert changed["L"].latex == "n"
    assert BERT["H"].latex == "H"


def test_other_latex_may_not_collide():
    with pytest.raises(NotationError, match="H and I would both be typeset as 'I'"):
        BERT.with_latex({"H": "I"})
    with pytest.raises(UnknownSymbolError, match="'Q'"):
        BERT.with_latex({"Q": "q"})
    assert BERT.with_latex({"H": "I", "I": "H"})["H"].latex == "I"


def test_a_symbols_name_is_a_plain_string():
    class Token(str):
        __slots__ = ()

    assert type(symbol(Token("token_of_a_parser")).name) is str


def test_letters_of_a_list():
    assert letters("V H") == (symbol("V"), symbol("H"))


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("a_b", r"a\_b"),
        ("100%", r"100\%"),
        ("\\", r"\textbackslash{}"),
        ("a^b~", r"a\textasciicircum{}b\textasciitilde{}"),
    ],
)
def test_escape(text, escaped):
    assert escape(text) == escaped


names = st.sampled_from(["hidden_size", "n_embd", "d_model", "depths", "q_lora_rank", "q_lora", "rank", "H", "x", "_y"])
paths = st.builds(
    lambda prefix, name, index: prefix + name + "".join(f"[{i}]" for i in index),
    st.sampled_from(["", "vision_config.", "text_config.", "vision_config.text_config.", "vision.", "q."]),
    names,
    st.lists(st.integers(0, 2), max_size=2),
)


@given(st.lists(paths, max_size=12, unique=True))
@settings(max_examples=200, deadline=None)
def test_every_path_gets_a_letter_of_its_own(given_paths):
    notation = assign(given_paths)
    assert [e.field for e in notation] == given_paths
    assert len({e.letter for e in notation}) == len({e.latex for e in notation}) == len(given_paths)
    for e in notation:
        assert re.fullmatch(r"[A-Za-z]\w*", e.letter)
        assert e.symbol.is_integer
        assert e.latex.count("{") == e.latex.count("}")
        # a field that is called like another entry's letter is found by its own letter: letters come first
        assert notation[e.letter] is e
        assert notation[e.field] is e or notation[e.field].letter == e.field


@given(st.lists(st.text("abcHN_.[]0", min_size=1, max_size=8), max_size=6, unique=True))
@settings(max_examples=200, deadline=None)
def test_odd_paths_get_letters_too(given_paths):
    notation = assign(given_paths)
    assert len({e.letter for e in notation}) == len({e.latex for e in notation}) == len(given_paths)
