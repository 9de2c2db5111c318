"""Write the golden numbers anew, if a change is meant: python tests/golden/regenerate_numbers.py"""

import hashlib
import json
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[2]
FILE = Path(__file__).with_name("numbers.json")
SHIPPED = ("netlists/layers/*.npz", "meta/network/trained/*.safetensors", "data/pulses.csv")
CALCULATED = ("max_disturb_surrogate", "write_energy_surrogate", "wire_energy")
SIMULATED = ("max_disturb_spice", "write_energy_spice")
COUNTED = (
    *("passed", "rows", "columns", "reads", "pulses", "prediction_agreement"),
    *("accuracy_ideal", "accuracy_surrogate", "accuracy_spice"),
)
DEVIATIONS = ("max_relative_current_error", "max_state_error", "max_output_error")


def kept():
    """The golden numbers: of `files`, `fit` and `verify`."""
    return json.loads(FILE.read_text(encoding="utf-8"))


def shipped_files():
    """Path to SHA-256 of every layer, network and table that comes with the packages."""
    files = sorted(file for glob in SHIPPED for file in ROOT.glob(glob))
    return {str(file.relative_to(ROOT)): hashlib.sha256(file.read_bytes()).hexdigest() for file in files}


def fitted(report):
    """The constants [value, standard error] and the misfit in the document of a fit."""
    constants = {name: [one["value"], one["stderr"]] for name, one in report["parameters"].items()}
    return {"constants": constants, "relative_rmse": report["relative_rmse"]}


def verified(report):
    """What the document of a verification says of both engines."""
    return {name: report[name] for name in (*COUNTED, *CALCULATED, *SIMULATED, *DEVIATIONS)}


def _report(program, *arguments):
    with tempfile.TemporaryDirectory() as folder:
        code = f"from {program}.commands.cli import main; main()"
        written = ["--output-dir", folder, "--json", f"{folder}/report.json"]
        subprocess.run([sys.executable, "-c", code, *arguments, *written], cwd=ROOT, check=True)
        return json.loads(Path(folder, "report.json").read_text(encoding="utf-8"))


if __name__ == "__main__":
    numbers = {
        "files": shipped_files(),
        "fit": fitted(_report("fitting", "data/pulses.csv")),
        "verify": verified(_report("netlists", "verify", "--layer", "fc")),
    }
    FILE.write_text(json.dumps(numbers, indent=2) + "\n", encoding="utf-8")
