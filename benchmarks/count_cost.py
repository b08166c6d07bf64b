"""What a count costs: the whole process beside the smallest script that builds the model, and a stream of configs.

    python benchmarks/count_cost.py                   # both measurements, in one run
    python benchmarks/count_cost.py --configs 50000   # a longer stream

Processes are started in turns, so that load hits both; the best of several rounds counts. The stream has the published
configs of `tests/published/configs` over and over, shuffled with a fixed seed; files that the atlas does not count are
left out of it, and so is the first pass, in which every formula is compiled.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from symcount.atlas.counting import counter
from symcount.errors import SymcountError

CONFIGS = Path(__file__).parents[1] / "tests" / "published" / "configs"
SCRIPT = """
import sys, torch
from transformers import AutoConfig, AutoModelForCausalLM
with torch.device("meta"):
    print(AutoModelForCausalLM.from_config(AutoConfig.from_pretrained(sys.argv[1])).num_parameters())
"""


def seconds(command: list[str]) -> tuple[float, str]:
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "TRANSFORMERS_VERBOSITY": "error"}
    start = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    return time.perf_counter() - start, done.stdout


def processes(rounds: int) -> None:
    llama = {"architectures": ["LlamaForCausalLM"], "model_type": "llama", "vocab_size": 128_256, "hidden_size": 4096,
             "intermediate_size": 14_336, "num_key_value_heads": 8}  # fmt: skip
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "config.json"
        path.write_text(json.dumps(llama))
        ours = [sys.executable, "-m", "symcount", "count", str(path), "-c", "unique"]
        theirs = [sys.executable, "-c", SCRIPT, directory]
        best = [float("inf")] * 2
        for _ in range(rounds):
            for i, command in enumerate((ours, theirs)):
                took, output = seconds(command)
                assert output.strip().replace(",", "") == "8030261248", output
                best[i] = min(best[i], took)
    print(f"process: symcount {best[0]:.3f} s, transformers on the meta device {best[1]:.3f} s, "
          f"{best[1] / best[0]:.1f} times as long")  # fmt: skip


def stream(number: int) -> None:
    known = counter()
    assert known is not None, "the atlas was not built: symcount atlas build"
    texts = []
    for path in sorted(CONFIGS.glob("*.json")):
        text = json.dumps(json.loads(path.read_text(encoding="utf-8")))
        try:
            known.count(json.loads(text))
        except SymcountError:
            continue
        texts.append(text)
    rng = random.Random(0)
    chosen = rng.choices(texts, k=number)
    data = "\n".join(texts) + "\n" + "\n".join(chosen) + "\n"
    command = [sys.executable, "-m", "symcount", "count", "--json", "--jsonl", "-"]
    with tempfile.TemporaryFile() as file:
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=file)
        assert process.stdin is not None
        start = time.perf_counter()
        process.communicate(data.encode())
        whole = time.perf_counter() - start
        file.seek(0)
        assert sum(1 for _ in file) == len(texts) + number
    start = time.perf_counter()
    for text in chosen:
        known.count(json.loads(text))
    warm = time.perf_counter() - start
    print(f"stream: {len(texts)} different configs, {number} lines")
    print(f"  one process, from its start to its end: {(len(texts) + number) / whole:,.0f} configs a second")
    print(f"  json.loads and count alone, formulas compiled: {number / warm:,.0f} configs a second")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--configs", type=int, default=20_000)
    arguments = parser.parse_args()
    print(f"Python {platform.python_version()}, {os.cpu_count()} processors")
    processes(arguments.rounds)
    stream(arguments.configs)


if __name__ == "__main__":
    main()
