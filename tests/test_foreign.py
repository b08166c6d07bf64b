"""What code of others raises costs the input that it was raised for, at every entry point, and no other."""

import json
import os
import subprocess
import sys
from functools import reduce
from importlib import import_module
from importlib.util import find_spec

import pytest

import symcount as sc
from symcount import foreign
from symcount.cli import run
from symcount.errors import ForeignError
from symcount.formulas.formula import Formula

ERRORS = [RecursionError("too deep"), MemoryError(), KeyError("width"), RuntimeError("line\nline " + "x" * 5000)]
LLAMA = {"model_type": "llama", "architectures": ["LlamaForCausalLM"]}

# entry point -> where code of others is called by it; what is there is replaced by something that raises
PYTHON = {
    "count": ("symcount.atlas.counting.Counter.count", lambda: sc.count(dict(LLAMA))),
    "formula": ("symcount.architectures.base.Architecture.formula", lambda: sc.formula("gpt2")),
    "derive": ("symcount.derivation.api.derive_class", lambda: sc.derive("BertModel")),
    "verify": ("symcount.verification.real_model.totals", lambda: sc.verify("BertModel")),
    "compare": ("symcount.core.ledger.Ledger.of", lambda: sc.compare(sc.formula("bert"), sc.formula("gpt2"))),
    "solve": ("symcount.solver.api.read_budgets", lambda: sc.solve("bert", budget="110M", free={"N": (1, 2)})),
    "ladder": ("symcount.solver.ladder.prepared", lambda: sc.ladder("llama", budgets=["10M"])),
    "latex": ("symcount.formulas.showing.render", lambda: sc.formula("gpt2").latex()),
    "diff": ("symcount.formulas.formula.Formula.total_as", lambda: sc.formula("gpt2").diff("N")),
    "breakdown": ("symcount.core.ledger.Ledger.by_path", lambda: sc.formula("gpt2").breakdown(2)),
    "certify": ("symcount.derivation.certificate.draw", lambda: sc.derive("GPT2Model").certify(1)),
    "bound": ("symcount.derivation.origin.bind", lambda: sc.derive("GPT2Model").count({"n_layer": 2})),
}
COMMANDS = {
    "count": ("symcount.cli.options.formula_of", ["count", "gpt2"]),
    "count a file": ("symcount.atlas.schema.Reader.read", ["count", "{file}"]),
    "formula": ("symcount.cli.options.formula_of", ["formula", "gpt2"]),
    "latex": ("symcount.formulas.showing.render", ["latex", "gpt2"]),
    "breakdown": ("symcount.core.ledger.Ledger.by_path", ["breakdown", "gpt2", "--depth", "2"]),
    "diff": ("symcount.formulas.formula.Formula.total_as", ["diff", "gpt2", "N"]),
    "derive": ("symcount.derivation.api.derive_class", ["derive", "BertModel"]),
    "verify": ("symcount.verification.real_model.totals", ["verify", "gpt2"]),
    "sweep": ("symcount.survey.coverage.candidates", ["sweep", "bert"]),
    "solve": ("symcount.solver.api.read_budgets", ["solve", "bert", "--budget", "110M", "--free", "N=1..4"]),
    "ladder": ("symcount.cli.options.formula_of", ["ladder", "llama", "--budgets", "10M"]),
    "compare": ("symcount.core.ledger.Ledger.of", ["compare", "bert", "gpt2"]),
}


def _is_module(name):
    try:
        return find_spec(name) is not None
    except ModuleNotFoundError:  # its parent is none
        return False


def replaced(monkeypatch, place, value):
    """Set what a dotted place names; a verb may have the name of the package that it lives in."""
    parts = place.split(".")
    number = next(n for n in range(len(parts) - 1, 0, -1) if _is_module(".".join(parts[:n])))
    owner = reduce(getattr, parts[number:-1], import_module(".".join(parts[:number])))
    monkeypatch.setattr(owner, parts[-1], value)


def raising(error):
    def raised(*args, **kwargs):
        raise error

    return raised


@pytest.mark.parametrize("name", PYTHON)
def test_python_gets_one_error_of_the_family(name, monkeypatch):
    place, call = PYTHON[name]
    replaced(monkeypatch, place, raising(RecursionError("too deep\nby far")))
    with pytest.raises(ForeignError, match=r"^RecursionError: too deep by far$") as told:
        call()
    assert isinstance(told.value.__cause__, RecursionError)


@pytest.mark.parametrize("error", ERRORS, ids=lambda e: type(e).__name__)
@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_says_one_line(name, error, monkeypatch, capsys, tmp_path):
    (tmp_path / "config.json").write_text(json.dumps(LLAMA))
    place, arguments = COMMANDS[name]
    replaced(monkeypatch, place, raising(error))
    monkeypatch.setattr("symcount.cli.quick_count.derivable", lambda: False)
    assert run([a.format(file=tmp_path / "config.json") for a in arguments]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("error: ")
    assert type(error).__name__ in line
    assert len(line) < 1000


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit])
def test_interrupts_pass(error, monkeypatch):
    replaced(monkeypatch, "symcount.formulas.showing.render", raising(error))
    with pytest.raises(error):
        sc.formula("gpt2").latex()


def test_an_interrupted_command_has_the_code_of_an_interrupt(monkeypatch):
    replaced(monkeypatch, "symcount.cli.options.formula_of", raising(KeyboardInterrupt))
    assert run(["formula", "gpt2"]) == 130


def test_a_call_with_wrong_arguments_is_a_type_error():
    with pytest.raises(TypeError, match="unexpected keyword"):
        sc.formula("gpt2").breakdown(width=3)


def test_an_error_that_cannot_say_what_it_is():
    class MuteError(Exception):
        def __str__(self):
            raise ValueError("no words")

    assert str(foreign.foreign(MuteError())) == "MuteError"


def test_several_inputs_on_the_command_line(monkeypatch, capsys):
    whole = Formula.values
    monkeypatch.setattr(Formula, "values", lambda self, *a: whole(self, *a) if self.name == "GPT2Model" else 1 // 0)
    assert run(["count", "--json", "gpt2", "bert", "gpt2"]) == 2
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [row.get("unique") for row in rows] == [124_439_808, None, 124_439_808]
    assert rows[1]["error"].startswith("ZeroDivisionError: ")


# the tenth lines of a stream
HOSTILE = [
    b"{", b"[]", b"nonsense", b"\xff\xfe{}", b"[" * 100_000, b'{"n": ' + b"9" * 5000 + b"}", b"{}", b'"text"', b"NaN",
    b'{"architectures": {"a": 1}}', b'{"architectures": [["LlamaModel"]]}', b'{"model_type": ["llama"]}',
    b'{"model_type": {"a": 1}, "architectures": ["LlamaModel"]}', b'{"model_type": "llama", "hidden_size": {}}',
    b'{"model_type": "llama", "hidden_size": NaN}', b'{"model_type": "llama", "hidden_size": 1e400}',
    b'{"model_type": "llama", "hidden_size": "\\ud800"}', b'{"model_type": "\\u0000\\u001b[2J"}',
    b'{"model_type": "gpt_neox", "num_hidden_layers": ' + b"9" * 4000 + b', "intermediate_size": ' + b"9" * 4000 + b"}",
    b'{"model_type": "clip", "text_config": 1}',
]  # fmt: skip

BLOCK = """
import sys
class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("torch", "transformers"):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Blocked())
"""


@pytest.mark.parametrize("torch", [False, True], ids=["without torch", "with torch"])
def test_a_hostile_tenth_of_a_stream_loses_none_of_the_others(torch, tmp_path):
    good = json.dumps({**LLAMA, "num_hidden_layers": 2}).encode()
    lines = [HOSTILE[i // 10 % len(HOSTILE)] if i % 10 == 9 else good for i in range(10_000)]
    (tmp_path / "configs.jsonl").write_bytes(b"\n".join(lines) + b"\n")
    code = f"{'' if torch else BLOCK}\nimport sys\nfrom symcount.cli import run\nsys.exit(run(sys.argv[1:]))"
    done = subprocess.run(
        [sys.executable, "-c", code, "count", "--json", "--jsonl", str(tmp_path / "configs.jsonl")],
        capture_output=True, text=True, check=False, env=os.environ,
    )  # fmt: skip
    assert done.returncode == 2, done.stderr[-2000:]
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(rows) == 10_000
    assert {row.get("unique") for i, row in enumerate(rows) if i % 10 != 9} == {666_914_816}
    assert all("error" in row and "unique" not in row for i, row in enumerate(rows) if i % 10 == 9)
    assert "Traceback" not in done.stderr


# layers with numbers of their own, of which transformers' config has no single value
PER_LAYER = [
    {"model_type": "gemma4_text", "num_hidden_layers": 6, "attention_k_eq_v": True},
    {"model_type": "dots3_note_text"},
    {"model_type": "embedding_gemma2_text", "num_hidden_layers": 4},
    {"model_type": "neomme"},
    {"model_type": "gemma4", "text_config": {"num_hidden_layers": 5, "attention_k_eq_v": True}},
]  # fmt: skip


@pytest.mark.parametrize("fields", PER_LAYER, ids=lambda f: f["model_type"])
def test_configs_of_layers_with_numbers_of_their_own(fields, tmp_path, capsys):
    from fuzzing.entries import real

    (tmp_path / "config.json").write_text(json.dumps(fields))
    file = str(tmp_path / "config.json")
    assert run(["count", "--json", file]) == 0
    assert json.loads(capsys.readouterr().out)["unique"] == real(json.dumps(fields).encode())["unique"]
    assert run(["verify", "--json", file]) == 0
    assert json.loads(capsys.readouterr().out)["exact"] is True
    for command in ("breakdown", "formula", "latex"):
        assert run([command, file]) == 0
