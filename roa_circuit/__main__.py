"""`python -m roa_circuit`: the version, and which programs there are."""

import importlib.metadata
import sys

ABOUT = f"""roa-circuit {importlib.metadata.version("roa-circuit")}

roa-fit    fits a memristor to its pulses           python -m fitting
roa-spice  solves, writes and verifies arrays       python -m netlists
roa-meta   trains networks that learn in one write  python -m meta

Each has commands, and shows them with -h.
"""


def main(words: list[str]) -> int:
    """Say what there is; the exit code."""
    unknown = [word for word in words if word not in ("-h", "--help", "--version")]
    if unknown:
        sys.stderr.write(f"error: {unknown[0]!r}: this only lists the programs; run one of them\n")
        return 2
    sys.stdout.write(ABOUT.splitlines(keepends=True)[0] if "--version" in words else ABOUT)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
