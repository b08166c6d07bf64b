"""The README says what is so: its Python is executed, its console sessions are run, its tables are computed."""

import doctest
import io
import os
import re
import shlex
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from unittest import mock

import pytest

import symcount as sc
from derivations import bert
from symcount.cli import run

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE | doctest.IGNORE_EXCEPTION_DETAIL


def blocks(language, text=README):
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def sessions(text=README):
    for block in blocks("console", text):
        for entry in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, _, output = entry.partition("\n")
            yield command, output


def run_python(text, name):
    test = doctest.DocTestParser().get_doctest(text, {}, name, name, 0)
    assert test.examples
    report = []
    failures, _ = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE).run(test, out=report.append)
    assert not failures, "".join(report)


def run_console(command):
    """What a command prints; it is run in this process, which need not be started and import everything anew."""
    program, *arguments = shlex.split(command)
    assert program == "symcount"
    out, err = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8", newline="\n") for _ in range(2))
    with mock.patch.dict(os.environ, COLUMNS="130"), redirect_stdout(out), redirect_stderr(err):
        code = run(arguments)
    out.flush()
    err.flush()
    assert code == 0, err.buffer.getvalue().decode()
    return out.buffer.getvalue().decode()


def run_process(command):
    """What a command prints in a process of its own."""
    program, *arguments = shlex.split(command)
    assert program == "symcount"
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "PYTHONUTF8": "1", "COLUMNS": "130"}
    done = subprocess.run(
        [sys.executable, "-m", "symcount", *arguments],
        capture_output=True,
        env=environment,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def agrees(expected, output):
    return doctest.OutputChecker().check_output(expected, output, FLAGS)


def test_python_examples_give_what_is_printed():
    run_python("\n".join(blocks("python")), "README.md")


@pytest.mark.parametrize(("command", "output"), list(sessions()), ids=[c for c, _ in sessions()])
def test_console_sessions_print_what_is_shown(command, output):
    got = run_console(command)
    assert agrees(output, got), got


def test_the_checks_can_fail():
    with pytest.raises(AssertionError):
        run_python(">>> 1 + 1\n3\n", "wrong")
    assert not agrees("109,112,881\n", run_console("symcount count BertForMaskedLM -s V=30000 -c unique"))


def test_a_process_of_its_own_prints_the_same():
    command, output = next(s for s in sessions() if shlex.split(s[0])[1] not in ("verify", "derive"))  # without torch
    got = run_process(command)
    assert agrees(output, got), got
    assert got == run_console(command)


def test_the_table_of_steps_is_the_derivations():
    pytest.importorskip("transformers")
    for step in bert.derive().steps[:9]:
        assert f"| {step.title} | ${step.symbols}$ | {step.count:,} |" in README


def test_the_table_of_conventions_is_computed():
    rows = dict(re.findall(r"^\| `(\w+)`[^|]*\|[^|]*\| ([\d,]+) \|$", README, re.MULTILINE))
    assert rows == {c: f"{sc.count('BertForMaskedLM', V=30_000, convention=c):,}" for c in sc.CONVENTIONS}


@pytest.mark.parametrize("mark", ["main", "tests"])
def test_each_job_is_one_command(mark):
    [command] = re.findall(rf"^<!-- {mark} -->\n```sh\n(.*?)\n```$", README, re.MULTILINE | re.DOTALL)
    assert "\n" not in command
    assert "-c constraints.txt" in command


def test_what_is_said_of_other_tools_is_so():
    torch = pytest.importorskip("torch")
    from transformers import LlamaConfig, LlamaForCausalLM

    sizes = {"V": 50, "H": 8, "I": 12, "N": 2, "A": 2}
    config = LlamaConfig(vocab_size=50, hidden_size=8, intermediate_size=12, num_hidden_layers=2, num_attention_heads=2)
    with torch.device("meta"):
        model = LlamaForCausalLM(config)
    ours = sc.formula("LlamaForCausalLM").count(**sizes, convention="non_embedding")
    assert model.num_parameters(exclude_embeddings=True) == ours + 50 * 8


def test_links_lead_somewhere():
    for target in re.findall(r"\]\((?!https?:)([^)#]+)\)", README):
        assert (ROOT / target).exists(), target


def test_the_contributors_guide_works_as_written():
    guide = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    run_python("\n".join(blocks("python", guide)), "CONTRIBUTING.md")
