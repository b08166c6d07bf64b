"""Formulas are shared among threads and processes; a derivation in any of them gives the same formula."""

import pickle
import subprocess
import sys
import threading
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context

import pytest

import symcount as sc
from symcount.architectures import names
from symcount.core.ledger import CONVENTIONS

POINTS = [{"V": 100 + i, "L": 10, "H": 12 * (1 + i % 5), "I": 7, "N": 1 + i % 4, "T": 2, "A": 12} for i in range(40)]


def total(formula, point):
    return formula.count(**point)


@pytest.mark.parametrize(
    "name", ["BertForMaskedLM", "LlamaForCausalLM", "T5ForConditionalGeneration", "DeepseekV3ForCausalLM"]
)
def test_a_pickled_formula_is_the_same(name):
    f = sc.formula(name)
    expected = f.count({})  # with everything compiled and cached
    again = pickle.loads(pickle.dumps(f))
    assert again == f
    assert again.count({}) == expected
    assert [str(c) for c in again.domain] == [str(c) for c in f.domain]
    assert again.latex() == f.latex()


def test_a_pickle_has_no_caches():
    f = sc.formula("bert")
    fresh = len(pickle.dumps(f))
    for convention in CONVENTIONS:
        f.count({}, convention=convention)
    f.latex("table")
    assert len(pickle.dumps(f)) == fresh


def test_a_formula_of_the_atlas_and_a_derived_one_are_pickled():
    pytest.importorskip("transformers")
    for f in (sc.formula("GPTNeoXModel"), sc.derive("GPT2Model")):
        expected = f.count({})
        assert pickle.loads(pickle.dumps(f)).count({}) == expected


@pytest.mark.parametrize("start", ["fork", "spawn"])
def test_processes_count_with_a_formula_they_are_given(start):
    f = sc.formula("bert")
    expected = [f.count(**p) for p in POINTS]
    with ProcessPoolExecutor(2, mp_context=get_context(start)) as pool:
        assert list(pool.map(total, [f] * len(POINTS), POINTS)) == expected


def together(work, items, threads=8):
    """The results of *work*, with all threads let go at once."""
    gate = threading.Barrier(threads)

    def run(part):
        gate.wait()
        return [work(item) for item in part]

    with ThreadPoolExecutor(threads) as pool:
        parts = list(pool.map(run, [items] * threads))
    assert all(part == parts[0] for part in parts)
    return parts[0]


def test_threads_that_share_one_fresh_formula_count_the_same():
    expected = [sc.formula("bert").count(**p) for p in POINTS]
    f = sc.formula("bert")  # nothing of it is compiled yet
    assert together(lambda p: f.count(**p), POINTS) == expected


def test_threads_that_compose_count_and_typeset_give_the_same():
    def work(name):
        f = sc.formula(name)
        return f.count({}, convention="per_layer"), f.latex()

    some = names()[::9]
    expected = [work(name) for name in some]
    assert together(work, some) == expected


def test_threads_that_count_configs_give_the_same():
    from symcount.atlas import counting

    configs = [
        {"model_type": "llama", "architectures": ["LlamaForCausalLM"], "hidden_size": 64 * i, "num_attention_heads": 4}
        for i in range(1, 9)
    ]
    expected = [sc.count(c) for c in configs]
    counting._counter_of.cache_clear()  # the threads make it again, together
    assert together(sc.count, configs) == expected


CLASSES = ["GPT2Model", "LlamaForCausalLM", "BertModel", "MixtralForCausalLM"]


def derived(name):
    f = sc.derive(name)
    return str(f.total), sorted(map(str, f.domain))


@pytest.fixture(scope="module")
def one_by_one():
    pytest.importorskip("transformers")
    return [derived(name) for name in CLASSES]


def test_threads_that_derive_give_the_same(one_by_one):
    assert together(derived, CLASSES, threads=4) == one_by_one


def test_threads_that_derive_do_not_disturb_those_that_build(one_by_one):
    """What is put in the place of `int` and `range` during a trace is not seen by another thread's models."""
    import torch
    import transformers

    stop, seen = threading.Event(), set()

    def build():
        while not stop.is_set():
            with torch.device("meta"):
                config = transformers.GPT2Config(n_layer=2, n_embd=24, n_head=2, vocab_size=50, n_positions=9)
                seen.add(transformers.GPT2Model(config).num_parameters())

    thread = threading.Thread(target=build)
    thread.start()
    try:
        for _ in range(2):
            assert derived("GPT2Model") == one_by_one[0]
    finally:
        stop.set()
        thread.join()
    assert seen == {2 * (12 * 24**2 + 13 * 24) + (50 + 9 + 2) * 24}


def test_a_process_that_derives_gives_the_same(one_by_one):
    script = "import symcount as sc; f = sc.derive('GPT2Model'); print(f.total); print(sorted(map(str, f.domain)))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    said = done.stdout.splitlines()
    assert (said[0], said[1]) == (one_by_one[0][0], str(one_by_one[0][1]))


def test_pool_workers_derive_the_same(one_by_one):
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:  # each has to import torch
        assert list(pool.map(derived, CLASSES[:2])) == one_by_one[:2]
