"""The one traversal, against a brute-force walk that unrolls every repeat into tensors of its own."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sympy import expand

import symcount as sc
from symcount.core.ledger import CONVENTIONS, Ledger, check_convention
from symcount.core.tree import Block, Parameter, block, expr, stack
from symcount.errors import ConventionError, StructureError
from symcount.exact.evaluate import integer_value
from symcount.layers import MLP, Embedding, Head, LayerNorm, Linear, MixtureOfExperts

H, V, N, I, E, M, k, L = map(sc.symbol, "HVNIEMkL")

sizes = st.integers(1, 5)
leaf = st.builds(
    lambda shapes, repeat: Block(
        "", "Leaf", tuple(Parameter(f"p{i}", shape) for i, shape in enumerate(shapes)), repeat=expr(repeat)
    ),
    st.lists(st.lists(sizes, max_size=3).map(tuple), max_size=3),
    sizes,
)
trees = st.recursive(
    leaf,
    lambda children: st.builds(
        lambda blocks, repeat: Block(
            "", "Node", children=tuple(b.named(f"c{i}") for i, b in enumerate(blocks)), repeat=expr(repeat)
        ),
        st.lists(children, min_size=1, max_size=3),
        sizes,
    ),
    max_leaves=6,
)


def unrolled(tree: Block) -> int:
    """Count by building every copy of every block, one after the other."""
    count = 0
    for _ in range(int(tree.repeat)):
        for parameter in tree.parameters:
            elements = 1
            for dimension in parameter.shape:
                elements *= int(dimension)
            count += elements
        count += sum(unrolled(child) for child in tree.children)
    return count


@given(trees)
@settings(max_examples=100, deadline=None)
def test_total_is_what_unrolling_gives(tree):
    assert Ledger.of(tree).total() == unrolled(tree)


@given(trees, st.sampled_from(CONVENTIONS), st.integers(0, 4) | st.none())
@settings(max_examples=50, deadline=None)
def test_breakdowns_sum_to_the_total(tree, convention, depth):
    ledger = Ledger.of(tree)
    assert sum(ledger.by_path(depth, convention).values()) == ledger.total(convention)
    assert sum(ledger.by_kind(convention).values()) == ledger.total(convention)


def language_model(tied=True):
    return block(
        "LM",
        wte=Embedding(V, H),
        h=stack(N, block("Layer", mlp=MLP(H, I), norm=LayerNorm(H))),
        lm_head=Head(H, V, tied_to="wte.weight" if tied else None),
    )


def test_a_tied_tensor_is_stored_once_and_used_twice():
    ledger = Ledger.of(language_model())
    layer = 2 * H * I + H + I + 2 * H
    assert (ledger.total() - (V * H + N * layer)).expand() == 0
    assert (ledger.total("per_layer") - ledger.total() - V * H).expand() == 0
    assert (ledger.total("non_embedding") - N * layer).expand() == 0
    [(row, owner)] = ledger.shared
    assert (row.tensor, owner.tensor) == ("lm_head.weight", "wte.weight")
    assert [r.tensor for r in ledger.holders["wte.weight"]] == ["wte.weight", "lm_head.weight"]


def test_an_untied_head_counts_everywhere_except_in_non_embedding():
    ledger = Ledger.of(language_model(tied=False))
    assert ledger.total() == ledger.total("per_layer")
    assert ledger.shared == ()
    assert (ledger.total() - ledger.total("non_embedding") - 2 * V * H).expand() == 0


def test_one_convention_never_exceeds_what_another_must_contain():
    ledger = Ledger.of(language_model())
    at = {"V": 11, "H": 4, "I": 7, "N": 3}
    counts = {c: integer_value(ledger.total(c), at) for c in CONVENTIONS}
    assert counts["non_embedding"] < counts["unique"] == counts["trainable"] == counts["active"] < counts["per_layer"]


def test_frozen_tensors_are_stored_and_not_trained():
    model = block("M", positions=Embedding(L, H, trainable=False), norm=LayerNorm(H))
    assert Ledger.of(model).total() == L * H + 2 * H
    assert Ledger.of(model).total("trainable") == 2 * H
    assert Ledger.of(model).total("non_embedding") == 2 * H


def test_a_table_inside_attention_is_no_input_table():
    assert Ledger.of(Embedding(32, H, role=None)).total("non_embedding") == 32 * H


def test_a_role_is_that_of_all_layers_below():
    tables = replace(block("Tables", words=Embedding(V, H, role=None), norm=LayerNorm(H)), role="embedding")
    tree = block("Model", tables=tables, dense=Linear(H, I))
    assert expand(Ledger.of(tree).total("non_embedding") - (H * I + I)) == 0


def test_the_same_module_at_two_places_counts_once_under_every_convention():
    model = block("M", shared=Linear(H, H), again=Block("", "Linear", Linear(H, H).parameters, same_as="shared"))
    for convention in CONVENTIONS:
        assert Ledger.of(model).total(convention) == H**2 + H


def test_the_same_module_with_children_counts_once():
    inner = MLP(H, I)
    again = Block("", inner.kind, children=inner.children, same_as="first")
    ledger = Ledger.of(block("M", first=inner, second=again))
    assert (ledger.total() - Ledger.of(inner).total()).expand() == 0
    assert [r.alias_of for r in ledger][-2:] == ["first.down.weight", "first.down.bias"]


def test_a_container_that_names_a_layers_tensor_does_not_count_twice():
    # BERT's decoder bias: the head owns it, the decoder inside the head uses it
    head = block("Head", (Parameter("bias", (V,)),), decoder=Linear(H, V).tie(bias="head.bias"))
    ledger = Ledger.of(block("M", head=head))
    assert ledger.total() == ledger.total("per_layer") == V * H + V
    per_layer = ledger.by_path(None, "per_layer")
    assert per_layer["head"] == 0
    assert per_layer["head.decoder"] == V * H + V


def test_nested_repeats_multiply():
    ledger = Ledger.of(block("M", stages=stack(N, block("Stage", layers=stack(L, LayerNorm(H))))))
    assert ledger.total() == 2 * H * L * N


def test_routed_experts_are_active_in_their_share():
    ledger = Ledger.of(stack(N, MixtureOfExperts(H, M, E, k)))
    assert (ledger.total("active") - N * (E * H + 3 * k * H * M)).expand() == 0


def test_selection_by_path_and_kind():
    ledger = Ledger.of(language_model())
    assert [r.tensor for r in ledger.select("h.*", "LayerNorm")] == ["h.*.norm.weight", "h.*.norm.bias"]
    assert ledger.select("nothing") == ()
    assert len(ledger.select()) == len(ledger.rows)


def test_subtotal_of_nothing_is_an_error():
    with pytest.raises(StructureError, match=r"no tensor matches 'decoder\.\*'; layer types: .*Linear"):
        sc.formula("bert").subtotal("decoder.*")


def test_unknown_convention_names_those_that_exist():
    with pytest.raises(ConventionError, match=r"'uniqe': expected one of unique, per_layer.*Did you mean unique"):
        check_convention("uniqe")


@pytest.mark.parametrize(
    ("build", "words"),
    [
        (lambda: Ledger.of(block("M", head=Head(H, V, tied_to="nowhere.weight"))), "which the model does not have"),
        (
            lambda: Ledger.of(block("M", wte=Embedding(V, I), head=Head(H, V, tied_to="wte.weight"))),
            r"head.weight has shape \(V, H\), but wte.weight",
        ),
        (lambda: Linear(H, V).tie(wieght="a"), "Linear has no parameter wieght to tie"),
        (lambda: Parameter("a.b", (H,)), "expected one attribute name"),
        (lambda: Parameter("", (H,)), "expected one attribute name"),
        (lambda: Block("x", ""), "has no kind"),
        (lambda: Block("x", "X", (Parameter("w", ()), Parameter("w", ()))), "two parameters of one name"),
        (lambda: Block("", "X", children=(LayerNorm(H).named("a"), LayerNorm(H).named("a"))), "uses one name twice"),
        (lambda: Block("", "X", (Parameter("a", ()),), (LayerNorm(H).named("a"),)), "uses one name twice"),
        (lambda: Embedding(1.5, H), "expected an integer"),
    ],
)
def test_structures_without_a_meaning_are_refused(build, words):
    with pytest.raises(StructureError, match=words):
        build()


def test_a_tie_to_layers_of_several_sizes_under_one_name():
    narrow, wide = Linear(H, H, bias=False).named("*"), Linear(H, V, bias=False).named("*")
    encoder = Block("", "Layers", children=(narrow, wide))
    twins = tuple(layer.tie(weight="encoder.*.weight") for layer in (narrow, wide))
    ledger = Ledger.of(block("M", encoder=encoder, decoder=Block("", "Layers", children=twins)))
    assert ledger.total() == H * H + H * V
    assert [(row.size, owner.size) for row, owner in ledger.shared] == [(H * H, H * H), (H * V, H * V)]
    stranger = Linear(H, I, bias=False).named("*").tie(weight="encoder.*.weight")
    with pytest.raises(StructureError, match=r"which it is tied to, \(H, H\) or \(V, H\)"):
        Ledger.of(block("M", encoder=encoder, decoder=Block("", "Layers", children=(stranger,))))


def test_an_alias_of_an_alias_points_nowhere():
    a, b = Head(H, V, tied_to="wte.weight"), Head(H, V, tied_to="a.weight")
    with pytest.raises(StructureError, match="does not have"):
        Ledger.of(block("M", wte=Embedding(V, H), a=a, b=b))


def test_a_scalar_parameter_counts_one():
    assert Ledger.of(Block("", "Scale", (Parameter("gamma", ()),))).total() == 1


def test_a_tensor_that_only_containers_hold_counts_once_per_layer():
    def container(*parameters):
        return Block("", "Container", parameters, (LayerNorm(H).named("norm"),))

    scale = Parameter("scale", (H, V))
    again = replace(scale, alias_of="a.scale")
    ledger = Ledger.of(block("Model", a=container(scale), b=container(again)))
    assert expand(ledger.total("per_layer") - (H * V + 4 * H)) == 0
    with_layer = Linear(V, H, bias=False).tie(weight="a.scale")
    ledger = Ledger.of(block("Model", a=container(scale), b=container(again), c=with_layer))
    assert expand(ledger.total("per_layer") - (H * V + 4 * H)) == 0  # the layer's own weight, wherever else it hangs
