"""Options that had another name: whoever types the old one is told the new."""

from __future__ import annotations

RENAMED = {
    "design": {"--points": "--iv-points"},
    "layer": {"--inputs": "--activations"},
    "program": {"--target": "--wanted"},
    "compensate": {"--states": "--predistorted"},
    "map": {"--read": "--read-index"},
    "pretrain": {"--validate-every": "--score-every", "--output": "--output-dir"},
    "train": {
        "--start": "--start-network",
        "--head-rate": "--head-rate-scale",
        "--output": "--output-dir",
    },
    "adapt": {"--output": "--output-dir"},
    "reproduce": {"--repeats": "--trainings", "--output": "--output-dir"},
}
"""Old and new names by command, since 0.2.0: one name means one thing in all commands."""


def hint(command: str | None, option: str) -> str:
    """What to say beside an unknown option; empty if it has never been one."""
    new = RENAMED.get(command or "", {}).get(option)
    return f"{option} is called {new} since version 0.2.0" if new else ""
