"""What a count costs: the whole process beside scripts that build the model, and a stream of configs.

Each process reads one `config.json` and prints the number. The stream has the published configs of
`tests/published/configs` over and over, shuffled with a fixed seed, without those that the atlas does not count; one
process reads it from its start to its end. In a second one each has another vocabulary. Beside it: building one Llama
on the meta device, in a process that has everything imported.

`accelerate estimate-memory` is not here: it takes the names of repositories on the hub only, no directory, and asks the
hub for each.
"""

from __future__ import annotations

import json
import random
import re
import sys
import tempfile
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

from benchmarks.harness import Row, interleaved, processes, run, series
from symcount.atlas.counting import counter
from symcount.errors import SymcountError

CONFIGS = Path(__file__).parents[1] / "tests" / "published" / "configs"
LLAMA = {"architectures": ["LlamaForCausalLM"], "model_type": "llama", "vocab_size": 128_256, "hidden_size": 4096,
         "intermediate_size": 14_336, "num_key_value_heads": 8}  # fmt: skip
MODEL = """
import sys, torch
from transformers import AutoConfig, AutoModelForCausalLM
with torch.device("meta"):
    model = AutoModelForCausalLM.from_config(AutoConfig.from_pretrained(sys.argv[1]))
"""
SCRIPTS = {
    "transformers on the meta device": MODEL + "print(model.num_parameters())",
    "torchinfo on the meta device": MODEL + "import torchinfo; print(torchinfo.summary(model, verbose=0).total_params)",
}


def rows(quick: bool) -> Iterator[Row]:
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "config.json"
        path.write_text(json.dumps(LLAMA), encoding="utf-8")
        commands = {"symcount": [sys.executable, "-m", "symcount", "count", str(path), "-c", "unique"]}
        scripts = dict(list(SCRIPTS.items())[: 1 if quick else None])
        commands |= {name: [sys.executable, "-c", script, directory] for name, script in scripts.items()}
        times, printed = processes(commands, 1 if quick else 5)
    for name in scripts:
        assert printed[name].replace(",", "").strip() == printed["symcount"].replace(",", "").strip() == "8030261248"
        yield Row("count", "`symcount count config.json`, a process", name, times["symcount"], times[name])
    number = 500 if quick else 20_000
    beside, other = "Llama on the meta device", built(quick)
    yield Row("count", f"one config of a stream of {number:,}", beside, stream(number), other)
    yield Row("count", "the same, each with another vocabulary", beside, stream(number, changed), other)


def built(quick: bool) -> float:
    """Seconds for one model on the meta device."""
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM

    def build() -> None:
        with torch.device("meta"):
            AutoModelForCausalLM.from_config(AutoConfig.for_model(**LLAMA))

    return interleaved({"model": build}, 1 if quick else 5)["model"]


@cache
def texts() -> list[str]:
    """The published configs that the atlas counts, each on one line."""
    known = counter()
    assert known is not None, "the atlas was not built: symcount atlas build"
    found = []
    for path in sorted(CONFIGS.glob("*.json")):
        text = json.dumps(json.loads(path.read_text(encoding="utf-8")))
        try:
            known.count(json.loads(text))
        except SymcountError:
            continue
        found.append(text)
    return found


def changed(text: str, chance: random.Random) -> str:
    """The text of a config with vocabularies of other sizes."""
    return re.sub(r'(?<="vocab_size": )\d+', lambda found: str(int(found[0]) + chance.randrange(10_000)), text)


def stream(number: int, change: Callable[[str, random.Random], str] = lambda text, _: text) -> float:
    """Seconds for each config of a stream, where *change* makes another one of each."""
    chance = random.Random(0)
    chosen = chance.choices(texts(), k=number)
    with tempfile.NamedTemporaryFile("w", suffix=".jsonl", encoding="utf-8") as file:
        file.writelines(change(text, chance) + "\n" for text in chosen)
        file.flush()
        command = [sys.executable, "-m", "symcount", "count", "--json", "--jsonl", file.name]
        times, printed = processes({"stream": command}, 1)
    assert printed["stream"].count("\n") == number
    return times["stream"] / number


def growth(quick: bool) -> Iterator[str]:
    """Configs a second over the length of the stream."""
    lengths = (10, 100) if quick else (1, 10, 100, 1000, 10_000, 50_000)
    lines = [(number, f"{1 / stream(number):,.0f}") for number in lengths]
    yield series("A stream of configs, a process from its start to its end", ("configs", "configs a second"), lines)


if __name__ == "__main__":
    run(rows, growth)
