"""What an entry that is there is given: conditions it does not need are left out, flags that it lacks are added."""

import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")

from symcount.atlas.codes import identifiers
from symcount.atlas.counting import counter
from symcount.atlas.record import Check, Entry
from symcount.atlas.schema import Reader
from symcount.atlas.store import default_path
from symcount.atlas.variant import Variant
from symcount.derivation.resolve import model_class
from symcount.errors import DomainError, UncoveredError
from symcount.survey.schema import branches, extending, flags, overruling, renewing, supplement
from symcount.survey.schema.bases import bases, said_whole
from symcount.survey.schema.branches import with_branches
from symcount.survey.schema.check import count
from symcount.survey.schema.flags import with_flags
from symcount.survey.schema.given_numbers import with_given_numbers
from symcount.survey.schema.overruling import with_overruling
from symcount.survey.schema.probe import Probe, real_total
from symcount.survey.schema.renewing import renewed
from symcount.survey.schema.saved import saved_file, with_admitted
from symcount.survey.schema.widening import widened
from symcount.survey.schema.written import layouts_of_the_written, written_bases

pytestmark = pytest.mark.skipif(not default_path().is_file(), reason="the atlas was not built")


def stored(name):
    """The first layout of a class with one formula, the default's, and what it was measured with."""
    cls, layout = model_class(name), counter().atlas.find(name).layouts[0]
    base = next(bases(cls, cls.config_class))
    checks = dict(layout.checks)
    for path in layout.switches:
        first = {code: label for code, label in layout.checks[path].accept.items() if not label}
        checks[path] = layout.checks[path].changed(accept=first)
    alone = layout.changed(switches=[], states={"": [0]}, checks=checks, formulas=layout.formulas[:1])
    return alone, Probe(cls, cls.config_class, base.raw, base.required, base.absent)


def counted(layout, fields):
    return count([Variant(layout, formula) for formula in layout.formulas], Reader(layout, frozenset()).read(fields))


EVEN = ["divides", "2", "I"]


def test_a_condition_that_no_count_needs_is_left_out():
    layout, probe = stored("ViTModel")
    formula = layout.formulas[0]
    narrow = layout.changed(formulas=[formula.changed(domain=[*formula.domain, EVEN])])
    with pytest.raises(UncoveredError, match="no formula is stored"):
        counted(narrow, {"intermediate_size": 3001})
    wider = widened(narrow, probe, frozenset())
    assert EVEN not in wider.formulas[0].domain
    fields = {"intermediate_size": 3001}
    assert counted(wider, fields) == real_total(probe.cls, probe.config_class, fields)


def test_a_condition_beyond_which_the_count_is_wrong_is_kept():
    layout, probe = stored("ViTModel")
    formula = layout.formulas[0]
    total = f"{formula.totals['unique']} + (I + -2 * _floor(I, 2))"  # one more where I is odd
    wrong = formula.changed(totals={"unique": total}, domain=[*formula.domain, EVEN])
    assert EVEN in widened(layout.changed(formulas=[wrong]), probe, frozenset()).formulas[0].domain


def test_flags_that_were_not_reached_have_formulas_of_their_own():
    layout, probe = stored("LlamaModel")
    tied = layout.checks["tie_word_embeddings"].changed(accept={"false": 0})
    layout = layout.changed(checks={**layout.checks, "tie_word_embeddings": tied})
    found, trees = with_flags(layout, probe, frozenset(), trees=7)
    assert sorted(found.switches) == ["attention_bias", "mlp_bias"]
    assert len(trees) == 2
    assert {formula.tree for formula in found.formulas[1:]} == {7, 8}
    for fields in ({}, {"attention_bias": True}, {"mlp_bias": True, "hidden_size": 512}, {"tie_word_embeddings": True}):
        assert counted(found, fields) == real_total(probe.cls, probe.config_class, fields)
    with pytest.raises(UncoveredError, match="together"):
        counted(found, {"attention_bias": True, "mlp_bias": True})


def test_sub_configs_as_a_saved_file_has_them():
    cls = model_class("LlavaOnevisionModel")
    first = next(bases(cls, cls.config_class))
    whole = said_whole(cls, cls.config_class, first)
    assert whole.raw["vision_config"]["vision_use_head"] is False
    assert "vision_config.vision_use_head" in whole.required
    assert "text_config.layer_types" not in whole.required  # the config computes it


def test_numbers_beyond_the_domain_have_formulas_of_their_own(monkeypatch):
    monkeypatch.setattr(branches, "_MOST", 2)
    layout, probe = stored("ConvNextModel")
    for stages in (1, 2):
        with pytest.raises(UncoveredError, match="no formula is stored"):
            counted(layout, {"num_stages": stages})
    found, trees = with_branches(layout, probe, frozenset(), trees=5)
    assert [formula.tree for formula in found.formulas[1:]] == [*range(5, 5 + len(trees))]
    assert all(formula.points >= 4 for formula in found.formulas[1:])
    for fields in ({}, {"num_stages": 2}, {"num_stages": 1, "num_channels": 5}):
        assert counted(found, fields) == real_total(probe.cls, probe.config_class, fields)


def test_a_formula_that_is_wrong_beyond_the_domain_is_not_added(monkeypatch):
    layout, probe = stored("ConvNextModel")
    made = branches.formula_at

    def one_more(*arguments):
        formula, tree = made(*arguments)
        return formula.changed(totals={"unique": f"1 + {formula.totals['unique']}"}), tree

    monkeypatch.setattr(branches, "formula_at", one_more)
    monkeypatch.setattr(branches, "_FAILED", 1)
    assert with_branches(layout, probe, frozenset()) == (layout, [])


KEPT = ["==", "N", "12"]


def kept_at_twelve():
    """A layout whose formula holds for one number of layers, as one that an earlier derivation made."""
    layout, probe = stored("ViTModel")
    formula = layout.formulas[0]
    return layout, layout.changed(formulas=[formula.changed(domain=[*formula.domain, KEPT])]), probe


def test_a_formula_that_is_derived_anew_with_fewer_conditions_takes_the_place_of_the_old_one():
    layout, narrow, probe = kept_at_twelve()
    with pytest.raises(UncoveredError, match="no formula is stored"):
        counted(narrow, {"num_hidden_layers": 24})
    found, trees = renewed(narrow, probe, frozenset(), trees=7)
    assert len(trees) == 1
    assert [(formula.tree, KEPT in formula.domain) for formula in found.formulas] == [(7, False)]
    for fields in ({}, {"num_hidden_layers": 24}, {"num_hidden_layers": 3, "hidden_size": 96}):
        assert counted(found, fields) == real_total(probe.cls, probe.config_class, fields)
    assert renewed(layout, probe, frozenset()) == (layout, [])  # which has no condition too many


def test_a_number_that_was_kept_is_at_least_one_then():
    _, narrow, probe = kept_at_twelve()
    depth = narrow.numbers["num_hidden_layers"].changed(minimum=None)
    free = narrow.changed(numbers={**narrow.numbers, "num_hidden_layers": depth})
    found, _ = renewed(free, probe, frozenset())
    assert found.numbers["num_hidden_layers"].minimum == 1
    with pytest.raises(DomainError, match="expected an integer of at least 1, got 0"):
        counted(found, {"num_hidden_layers": 0})


def test_a_key_that_only_the_class_s_code_takes_keeps_a_flag_out():
    """`num_global_key_value_heads` of Gemma 4 is read of a copy for each layer, beside one flag."""
    layout, probe = stored("Gemma4TextModel")
    flag = {"attention_k_eq_v": True}
    assert "num_global_key_value_heads" not in {*layout.checks, *layout.numbers}
    assert supplement._hears(layout, probe, flag)
    assert not supplement._hears(layout, probe, {"attention_bias": True})
    assert supplement.formula_at(layout, probe, frozenset(), flag, 0) is None


def test_a_formula_that_holds_elsewhere_comes_after_the_old_one(monkeypatch):
    _, narrow, probe = kept_at_twelve()
    monkeypatch.setattr(renewing, "_holds_as_well", lambda *_: False)
    found, _ = renewed(narrow, probe, frozenset(), trees=7)
    assert [KEPT in formula.domain for formula in found.formulas] == [True, False]
    assert found.states == {"": [0, 1]}


def test_a_formula_that_is_derived_anew_and_wrong_is_not_taken(monkeypatch):
    _, narrow, probe = kept_at_twelve()
    made = renewing.formula_of

    def one_more(*arguments):
        formula, tree = made(*arguments)
        return formula.changed(totals={"unique": f"1 + {formula.totals['unique']}"}), tree

    monkeypatch.setattr(renewing, "formula_of", one_more)
    assert renewed(narrow, probe, frozenset()) == (narrow, [])


def test_a_number_that_the_config_computes_may_be_given():
    layout, probe = stored("BailingHybridModel")
    path = "linear_num_heads"
    check = Check(None, None, {"absent": 0}, equals=layout.numbers["num_attention_heads"].name)
    formula = layout.formulas[0]
    kept = layout.changed(
        numbers={p: n for p, n in layout.numbers.items() if p != path},
        checks={**layout.checks, path: check},
        formulas=[formula.changed(asked=[c for c in formula.asked if path not in str(c)])],
    )
    with pytest.raises(UncoveredError, match="linear_num_heads = 8 is outside the stored formulas"):
        counted(kept, {path: 8})
    found, trees = with_given_numbers(kept, probe, frozenset(), trees=3)
    assert (len(trees), found.formulas[0].tree) == (1, 3)
    assert found.numbers[path].rule == check.equals
    for fields in ({}, {path: 8}, {path: 64, "hidden_size": 512}, {"num_attention_heads": 16}):
        assert counted(found, fields) == real_total(probe.cls, probe.config_class, fields)


def test_another_formula_holds_where_such_a_number_is_what_the_config_computes():
    layout, probe = stored("BailingHybridModel")
    check = Check(None, None, {"absent": 0}, equals=layout.numbers["num_attention_heads"].name)
    twice = layout.changed(
        checks={**layout.checks, "linear_num_heads": check},
        numbers={p: n for p, n in layout.numbers.items() if p != "linear_num_heads"},
        formulas=[layout.formulas[0], layout.formulas[0].changed(tree=1)],
    )
    found, _ = with_given_numbers(twice, probe, frozenset(), trees=3)
    assert ["==", "linear_num_heads", check.equals] in found.formulas[1].asked
    assert not any("linear_num_heads" in str(condition) for condition in found.formulas[0].asked)


def test_a_file_that_the_config_class_writes_has_a_layout_where_none_reads_it():
    cls, activations = model_class("LlavaOnevisionModel"), counter().atlas.activations
    first, layouts = next(bases(cls, cls.config_class)), counter().atlas.find("LlavaOnevisionModel").layouts
    assert [*layouts_of_the_written(cls, cls.config_class, first, layouts, activations)] == []
    made, base, trees = next(layouts_of_the_written(cls, cls.config_class, first, layouts[:1], activations))
    assert base in [*written_bases(cls, cls.config_class, first, layouts[0])]
    assert len(trees) == len(made.formulas)
    file = saved_file(Probe(cls, cls.config_class, {}))
    for fields in (file, {**file, "vision_config": {**file["vision_config"], "hidden_size": 288}}):
        assert counted(made, fields) == real_total(cls, cls.config_class, fields)


def test_a_number_that_was_refused_and_on_which_no_tensor_depends_is_admitted():
    layout, probe = stored("MaskFormerModel")
    sections = {**layout.sections, "": layout.sections[""].changed(refused=["num_attention_heads", "per_layer_config"])}
    checks = {path: check for path, check in layout.checks.items() if path != "num_attention_heads"}
    before = layout.changed(checks=checks, sections=sections)
    with pytest.raises(UncoveredError, match="num_attention_heads = 16 changes the model"):
        counted(before, {**probe.raw, "num_attention_heads": 16})
    found = with_admitted(before, probe)
    assert found.sections[""].refused == ["per_layer_config"]
    fields = {**probe.raw, "num_attention_heads": 16}
    assert counted(found, fields) == real_total(probe.cls, probe.config_class, fields)


def test_a_number_on_which_tensors_depend_stays_refused():
    layout, probe = stored("ViTModel")
    sections = {"": layout.sections[""].changed(refused=["intermediate_size"])}
    numbers = {path: number for path, number in layout.numbers.items() if path != "intermediate_size"}
    before = layout.changed(numbers=numbers, sections=sections)
    assert with_admitted(before, probe) == before


def test_flags_alone_leave_everything_else_as_it_is(monkeypatch):
    alone, _ = stored("ViTModel")
    entry = Entry("ViTModel", "vit", layouts=[alone])

    def never(*_):
        raise AssertionError

    for step in ("extend", "layouts_of_the_written"):
        monkeypatch.setattr(extending, step, never)
    layouts, said, trees = extending.extended(entry, frozenset(), 1, flags=True)
    assert (len(layouts), said) == (1, [])
    assert layouts[0].formulas[0] == alone.formulas[0]
    assert len(trees) == len(layouts[0].formulas) - 1


def test_a_key_that_the_model_reads_in_a_size_s_stead_counts_over_it():
    layout, probe = stored("BailingHybridModel")
    size = next(path for path, number in layout.numbers.items() if number.name == "D")
    assert size == "head_dim"
    spelled = layout.sections[""].changed(aliases={}, overruling=[])
    check = Check(None, None, {"absent": 0}, equals="D")
    layout = layout.changed(
        sections={**layout.sections, "": spelled}, checks={**layout.checks, "linear_head_dim": check}
    )
    fields = {"head_dim": 64, "linear_head_dim": 96}
    with pytest.raises(UncoveredError, match="linear_head_dim = 96 is outside"):
        counted(layout, fields)
    found = with_overruling(layout, probe, frozenset())
    for given in (fields, {"head_dim": 64}, {"linear_head_dim": 64}, {"head_dim": 96, "linear_head_dim": 64}):
        assert counted(found, given) == real_total(probe.cls, probe.config_class, given)


def test_a_key_beside_a_size_that_has_an_influence_of_its_own_is_no_spelling():
    layout, probe = stored("BailingHybridModel")
    check = Check(None, None, {"absent": 0}, equals=layout.numbers["num_attention_heads"].name)
    layout = layout.changed(checks={**layout.checks, "linear_num_heads": check})
    assert "linear_num_heads" not in with_overruling(layout, probe, frozenset()).sections[""].overruling


def test_nothing_is_a_spelling_of_a_size_on_which_nothing_depends(monkeypatch):
    layout, probe = stored("BailingHybridModel")
    check = Check(None, None, {"absent": 0}, equals="D")
    layout = layout.changed(checks={**layout.checks, "tie_word_embeddings": check})
    monkeypatch.setattr(overruling, "count", lambda variants, read: {"unique": 1})
    monkeypatch.setattr(overruling, "real_total", lambda *arguments: {"unique": 1})
    assert "tie_word_embeddings" not in with_overruling(layout, probe, frozenset()).sections[""].overruling


def test_a_flag_s_formula_has_the_numbers_that_the_config_fills_in():
    """`num_key_value_heads` is that of the heads where a file leaves it out; beside a flag it may be given as well."""
    layout, probe = stored("LlamaForQuestionAnswering")
    found, trees = with_flags(layout, probe, frozenset())
    assert trees
    for given in ({"num_key_value_heads": 8}, {"head_dim": 64}, {"num_key_value_heads": 4, "head_dim": 160}, {}):
        fields = {"attention_bias": True, **given}
        assert counted(found, fields) == real_total(probe.cls, probe.config_class, fields)


def test_a_formula_without_such_a_number_is_not_added(monkeypatch):
    layout, probe = stored("LlamaForQuestionAnswering")
    monkeypatch.setattr(supplement, "_filled_in", lambda layout, probe: {})
    made = supplement.formula_at(layout, probe, frozenset(), {"attention_bias": True}, 0)
    monkeypatch.undo()
    wider = flags._switched(layout, "attention_bias", True, made[0])
    assert not supplement.agrees(wider, probe, frozenset(), {"attention_bias": True})


def counting(formula, paths):
    """Which of some numbers are in the total of a formula."""
    in_total = identifiers(formula.totals["unique"])
    return {letter[1] for letter in formula.letters if letter[0] in in_total} & paths


def test_no_stored_formula_lacks_a_size_that_the_default_s_has_and_a_file_may_give():
    atlas = counter().atlas
    for view in map(atlas.at, atlas.releases):
        for model_type, family, _ in view.families():
            for name, item in family.items():
                for layout in Entry.from_json({"name": name, "model_type": model_type, **item}).layouts:
                    filled = {p for p, number in layout.numbers.items() if number.rule and number.given is None}
                    own = counting(layout.formulas[0], filled) - {*layout.switches}
                    for formula in layout.formulas:
                        kept = {left for relation, left, _ in formula.asked if relation == "=="}
                        parts = {letter[1].rpartition(".")[0] for letter in formula.letters}
                        there = {
                            path
                            for path in filled  # it is what the config computes, or of a part that is not there
                            if layout.numbers[path].name in kept or path.rpartition(".")[0] not in parts
                        }
                        assert own - there <= counting(formula, filled), f"{name} of {view.release}"
