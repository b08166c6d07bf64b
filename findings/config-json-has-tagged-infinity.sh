#!/usr/bin/env bash
# transformers 5.23.0: a config.json holds infinity as {"__float__": "Infinity"}, which only its own reader of files knows.
#
# JSON has no infinity, so save_pretrained writes a dict in its place, inside a list of floats. Whoever reads the file
# with a JSON parser, as every other tool does, gets a dict where the class declares a float, and the class's own from_dict
# refuses what the class wrote; from_pretrained takes it. So it is with
# the defaults of Bamba, Falcon-H1, Granite 4 hybrid, Mamba-2 and Nemotron-H.
#
# Seen: [0.0, {'__float__': 'Infinity'}]; from_dict: StrictDataclassFieldValidationError; from_pretrained: (0.0, inf)
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export HF_HUB_OFFLINE=1 PIP_DISABLE_PIP_VERSION_CHECK=1 TRANSFORMERS_VERBOSITY=error
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q transformers==5.23.0
cd "$work"
"$work/venv/bin/python" -W ignore - <<'PYTHON'
import json
import math

from transformers import BambaConfig, FalconH1Config, Mamba2Config, NemotronHConfig

for cls in (BambaConfig, FalconH1Config, Mamba2Config, NemotronHConfig):
    cls().save_pretrained(cls.__name__)
    with open(f"{cls.__name__}/config.json") as file:
        read = json.load(file)
    print(cls.__name__, "writes time_step_limit =", read["time_step_limit"])
    assert read["time_step_limit"] == [0.0, {"__float__": "Infinity"}]
    try:
        cls.from_dict(read)
    except Exception as error:
        print("from_dict of that:", type(error).__name__)
    else:
        raise SystemExit("from_dict takes it now")
    again = cls.from_pretrained(cls.__name__).time_step_limit
    print("from_pretrained:", again)
    assert tuple(again) == (0.0, math.inf)
PYTHON
