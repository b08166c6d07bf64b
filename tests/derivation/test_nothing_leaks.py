"""After a derivation, whatever became of it, everything is as it was before."""

from __future__ import annotations

import builtins
import math
import signal
import sys
import threading
import warnings
from dataclasses import dataclass

import pytest

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

from torch import nn  # noqa: E402

import symcount as sc  # noqa: E402
from symcount.concolic.tensors.mode import TENSORS  # noqa: E402
from symcount.concolic.values.path import STATE  # noqa: E402
from symcount.errors import DerivationError  # noqa: E402


@dataclass
class Config:
    width: int = 8
    depth: int = 3


class Own(nn.Module):
    """The behaviour of its constructor is chosen by `happens`."""

    happens = staticmethod(lambda: None)

    def __init__(self, config):
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(config.width, int(config.width * 1.5)) for _ in range(config.depth))
        type(self).happens()


def snapshot():
    """The identity of every name of every module that a trace may touch, and of the code of our own class."""
    prefixes = ("transformers.models.", "transformers.modeling_", "transformers.pytorch", "torch.nn", "math", "numpy")
    found = {}
    for name, module in list(sys.modules.items()):
        if name.startswith(prefixes) or module in (builtins, math, torch, sys.modules[__name__]):
            found[name] = {key: id(value) for key, value in vars(module).items()}
    for cls in (
        transformers.BertConfig,
        transformers.PreTrainedConfig,
        torch.Tensor,
        nn.Parameter,
        nn.Module,
        Own,
        Config,
    ):
        found[cls] = {key: id(value) for key, value in vars(cls).items() if not key.startswith("_abc")}
    found["code"] = {"Own": id(Own.__init__.__code__)}
    found["states"] = {
        "recorder": id(STATE.recorder),
        "tracker": id(TENSORS.tracker),
        "dtype": id(torch.get_default_dtype()),
        "device": str(torch.get_default_device()),
        "filters": len(warnings.filters),
        "level": __import__("logging").getLogger("transformers").level,
    }
    return found


def changes(before):
    """What differs from *before*; modules and names that were imported in between are not changes."""
    after = snapshot()
    return [
        (owner, key)
        for owner, names in before.items()
        for key, identity in names.items()
        if after[owner].get(key) != identity
    ] + [
        (owner, key)
        for owner, names in before.items()
        for key in after[owner].keys() - names.keys()
        if key in vars(builtins)  # a shadow left behind
    ]


def assert_untouched():
    config = transformers.BertConfig(num_hidden_layers=1, hidden_size=24, num_attention_heads=2)
    model = transformers.BertModel(config)
    dense = model.encoder.layer[0].intermediate.dense
    assert type(config.hidden_size) is type(dense.in_features) is int
    assert dense.weight.device.type == "cpu"
    assert float(dense.weight.detach().abs().sum()) > 0
    own = Own(Config())
    assert type(own.layers[0].out_features) is int
    assert own.layers[0].out_features == 12


@pytest.fixture(autouse=True)
def harmless(monkeypatch):
    sc.derive("BertModel")  # everything is imported
    sc.derive(Own, config=Config())
    yield
    Own.happens = staticmethod(lambda: None)


def test_the_snapshot_can_see_a_leak(monkeypatch):
    before = snapshot()
    assert changes(before) == []
    monkeypatch.setattr(sys.modules["transformers.models.bert.modeling_bert"], "range", range, raising=False)
    monkeypatch.setattr(math, "sqrt", lambda x: x)
    assert {key for _, key in changes(before)} == {"range", "sqrt"}


def test_after_success():
    before = snapshot()
    formula = sc.derive("BertModel")
    formula.certify(2)
    formula.count({"hidden_size": 96})
    sc.derive(Own, config=Config()).certify(2)
    assert changes(before) == []
    assert_untouched()


def fail():
    raise ValueError("no such model")


def interrupt():
    raise KeyboardInterrupt


@pytest.mark.parametrize(("happens", "error"), [(fail, DerivationError), (interrupt, KeyboardInterrupt)])
def test_after_an_error(happens, error):
    before = snapshot()
    Own.happens = staticmethod(happens)
    with pytest.raises(error):
        sc.derive(Own, config=Config())
    assert [c for c in changes(before) if c != (Own, "happens")] == []
    Own.happens = staticmethod(lambda: None)
    assert_untouched()


def test_functions_that_another_thread_put_back_are_taken_off():
    """transformers replaces those of `torch.nn.init` while it makes a model, and puts back what it found."""
    from symcount.concolic.python.patches import no_initialisation

    real = torch.nn.init.kaiming_uniform_
    ours = next(patch for patch in no_initialisation() if patch.name == "kaiming_uniform_").replacement
    torch.nn.init.kaiming_uniform_ = ours
    try:
        assert ours is not real
        assert_untouched()  # it does nothing
        sc.derive("BertModel")
        assert torch.nn.init.kaiming_uniform_ is real
    finally:
        torch.nn.init.kaiming_uniform_ = real


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="no timers here")
# an alarm that falls into a destructor is only reported by Python, and pytest makes a failure of its own of the report
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("after", [0.02, 0.1, 0.25])
def test_after_a_time_out_and_ctrl_c_at_any_moment(after):
    class Late(BaseException):
        pass

    def late(*_):
        raise Late

    def forever():
        while True:
            sc.derive("BertModel")

    before = snapshot()
    previous = signal.signal(signal.SIGALRM, late)
    signal.setitimer(signal.ITIMER_REAL, after, 1.0)  # again: Python drops what is raised inside a destructor
    try:
        with pytest.raises(Late):
            forever()
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous)
    assert changes(before) == []
    assert_untouched()


def test_two_threads_derive_what_one_does():
    wanted = {name: str(sc.derive(name).total) for name in ("BertModel", "T5Model")}
    found = []

    def work(name):
        found.extend((name, str(sc.derive(name).total)) for _ in range(2))

    threads = [threading.Thread(target=work, args=(name,)) for name in wanted for _ in range(2)]
    before = snapshot()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(found) == sorted((name, total) for name, total in wanted.items() for _ in range(4))
    assert changes(before) == []
    assert_untouched()
