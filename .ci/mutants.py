"""Small wrong changes to the core, each of which some unit test should notice.

python .ci/mutants.py [--draw 300] [--seed 1] [--only NOUN ...] [--output build/mutants.jsonl]

Cosmic-ray says what can be changed, one token at a time. Of its changes, and of ours that take the
opposite of a name, a sample is drawn, as many for each noun of `CORE`. Every one is made in a copy of
this tree, where the unit tests that run its line, but those that take seconds, run until one fails:
first those of its file's name, then the quickest. Which tests run a line is found out once, by running
all of them. Of a line that only importing runs, or compiled code, the tests of the folder are tried.
Survivors are printed, and the exit code is 1 while `equivalent_mutants.toml` does not say of each why
no test could notice. An output that exists is continued.
"""

from __future__ import annotations

import argparse
import ast
import hashlib
import itertools
import json
import math
import os
import random
import resource
import shutil
import signal
import sys
import tempfile
import time
import tomllib
import traceback
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, ClassVar

import coverage
import hypothesis
import pytest
from cosmic_ray.ast import ast_nodes, get_ast
from cosmic_ray.mutating import mutate_code
from cosmic_ray.operators.operator import Operator
from cosmic_ray.plugins import get_operator

ROOT = Path(__file__).resolve().parents[1]
KNOWN = ROOT / ".ci" / "equivalent_mutants.toml"
CORE = {
    "device": ("roa_circuit/device/*.py", "roa_circuit/device/laws/*.py"),
    "programming": ("roa_circuit/device/programming.py",),
    "solver": ("roa_circuit/solver/*.py",),
    "in-situ write": ("roa_circuit/chips/in_situ.py",),
    "write-verify": ("roa_circuit/chips/write_verify.py", "roa_circuit/chips/programmable.py"),
    "chip": ("roa_circuit/chips/chip.py", "roa_circuit/chips/imperfections.py"),
    "scaling": ("roa_circuit/circuit/scaling.py",),
    "tiling": ("roa_circuit/layers/tiling.py",),
    "residuals": ("fitting/model/residuals.py",),
    "verdict": ("fitting/judgement/verdict.py",),
    "learners": ("meta/learning/learners.py",),
}
CHANGES = (
    *(f"ReplaceBinaryOperator_{one}" for one in ("Add_Sub", "Sub_Add", "Mul_Div", "Div_Mul", "Pow_Mul")),
    *(f"ReplaceBinaryOperator_{one}" for one in ("BitAnd_BitOr", "BitOr_BitAnd", "FloorDiv_Mul")),
    *(f"ReplaceComparisonOperator_{one}" for one in ("Lt_LtE", "LtE_Lt", "Gt_GtE", "GtE_Gt")),
    *(f"ReplaceComparisonOperator_{one}" for one in ("Lt_GtE", "LtE_Gt", "Gt_LtE", "GtE_Lt")),
    *(f"ReplaceComparisonOperator_{one}" for one in ("Eq_NotEq", "NotEq_Eq", "Is_IsNot", "IsNot_Is")),
    *(f"ReplaceUnaryOperator_Delete_{one}" for one in ("USub", "Invert", "Not")),
    *("AddNot", "ReplaceTrueWithFalse", "ReplaceFalseWithTrue", "ReplaceAndWithOr", "ReplaceOrWithAnd"),
    *("ReplaceBreakWithContinue", "ReplaceContinueWithBreak", "NumberReplacer", "ZeroIterationForLoop"),
)
PAIRS = ("max min", "maximum minimum", "argmax argmin", "floor ceil", "any all")
OPTIONS = (
    *("-q", "-x", "-p", "no:cacheprovider", "--tb=line", "--hypothesis-profile=mutants"),
    *("-W", "ignore::pytest.PytestAssertRewriteWarning"),  # hypothesis is loaded before the fork
    *("-m", "not (slow or long or ngspice or vacask or browser or cuda)"),
)
TRIED = (
    *("roa_circuit/device", "roa_circuit/circuit", "roa_circuit/solver", "roa_circuit/chips"),
    *("roa_circuit/layers", "fitting/model", "fitting/judgement", "fitting/search"),
    *("meta/learning", "meta/network"),
)
"""The folders of tests/unit whose tests are tried."""
MOST_SECONDS = 20.0
"""Of the tests that one mutant is tried on, as long as they take where nothing is wrong."""
STARTING, COMPILING = 30.0, 150.0
"""Seconds of a processor that tests may need to begin with, and where kernels are compiled."""
NO_TESTS = int(pytest.ExitCode.NO_TESTS_COLLECTED)  # where all take seconds
PRELOADED = (
    *("numpy", "scipy.integrate", "scipy.optimize", "scipy.sparse.linalg", "scipy.stats", "numba"),
    *("torch", "lmfit", "typer", "rich.progress", "matplotlib.figure", "xarray"),
)


class Opposite(Operator):
    """The other name of a pair, such as the smallest for the largest."""

    names: ClassVar = {
        one: other for pair in PAIRS for one, other in itertools.permutations(pair.split())
    }

    def mutation_positions(self, node):
        if node.type == "name" and node.value in self.names and not _is_keyword(node):
            yield node.start_pos, node.end_pos

    def mutate(self, node, index):
        node.value = self.names[node.value]
        return node

    @classmethod
    def examples(cls):
        return ()


def _is_keyword(name) -> bool:
    """Whether it names a parameter or an argument, which nothing but an error can come of."""
    return name.parent.type in ("param", "argument", "tfpdef") and name.parent.children[0] is name


@dataclass(frozen=True, kw_only=True)
class Mutant:
    """One changed line of one module."""

    module: str
    line: int
    change: str
    occurrence: int
    was: str
    becomes: str

    def __str__(self) -> str:
        return f"{self.module}:{self.line}\n    - {self.was}\n    + {self.becomes}"

    def source(self) -> str:
        return mutate_code((ROOT / self.module).read_text(), _operator(self.change), self.occurrence)


def _operator(change: str) -> Operator:
    return Opposite() if change == "Opposite" else get_operator(f"core/{change}")()


def places(module: str) -> Iterator[tuple[str, str, int]]:
    """(module, change, occurrence) of all that change what it computes, no declaration."""
    source = (ROOT / module).read_text()
    nodes, declared = list(ast_nodes(get_ast(source))), set(_declarations(source))
    for change in (*CHANGES, "Opposite"):
        operator = _operator(change)
        starts = (start for node in nodes for start, _ in operator.mutation_positions(node))
        yield from ((module, change, i) for i, start in enumerate(starts) if start not in declared)


def mutant_at(module: str, change: str, occurrence: int) -> Mutant | None:
    """None where the change leaves no Python, or the same."""
    source = (ROOT / module).read_text()
    changed = mutate_code(source, _operator(change), occurrence)
    if changed is None or not _compiles(changed) or _signatures(changed) != _signatures(source):
        return None
    pairs = zip(source.splitlines(), changed.splitlines(), strict=False)
    for line, (was, becomes) in enumerate(pairs, 1):
        if was.strip() != becomes.strip():
            where = {"module": module, "change": change, "occurrence": occurrence, "line": line}
            return Mutant(**where, was=was.strip(), becomes=becomes.strip())
    return None


def _declarations(source: str) -> Iterator[tuple[int, int]]:
    """Every place of a decorator or an annotation."""
    for node in ast.walk(ast.parse(source)):
        inside = [*getattr(node, "decorator_list", ()), *getattr(node, "bases", ())]
        inside += [getattr(node, name, None) for name in ("annotation", "returns")]
        for one in filter(None, inside):
            for line in range(one.lineno, one.end_lineno + 1):
                start = one.col_offset if line == one.lineno else 0
                end = one.end_col_offset if line == one.end_lineno else 1000
                yield from ((line, column) for column in range(start, end))


def _compiles(source: str) -> bool:
    try:
        compile(source, "mutant", "exec")
    except (SyntaxError, ValueError):
        return False
    return True


def _signatures(source: str) -> list[int]:
    """How many arguments only have a name: the star before them is no product."""
    functions = (node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.arguments))
    return [len(one.kwonlyargs) for one in functions]


def draw(count: int, seed: int, nouns: list[str]) -> list[Mutant]:
    """As many of every noun while it has some left; a module is of its first noun, of 'device' last."""
    random_, taken, left = random.Random(seed), set(), []
    for noun in sorted(nouns, key=lambda one: (one == "device", list(CORE).index(one))):
        modules = sorted(
            {str(p.relative_to(ROOT)) for glob in CORE[noun] for p in ROOT.glob(glob)} - taken
        )
        taken.update(modules)
        pool = [place for module in modules for place in places(module)]
        random_.shuffle(pool)
        left.append(pool)
    in_turn = filter(None, itertools.chain.from_iterable(itertools.zip_longest(*left)))
    drawn = itertools.islice(filter(None, itertools.starmap(mutant_at, in_turn)), count)
    return sorted(drawn, key=lambda one: is_compiled(one.module))  # these take longest


class Recorder:
    """Which tests run which lines of the core, and how long each takes; a plugin of pytest."""

    def __init__(self, watched: list[str]) -> None:
        self.seconds: dict[str, float] = {}
        self._coverage = coverage.Coverage(data_file=None, config_file=False, include=watched)

    def start(self) -> None:
        self._coverage.start()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_setup(self, item):
        self._coverage.switch_context(item.nodeid.partition("::")[0])  # what fixtures run is for all
        return (yield)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self, item):
        self._coverage.switch_context(item.nodeid)
        begun = time.process_time()
        try:
            return (yield)
        finally:
            self.seconds[item.nodeid] = time.process_time() - begun

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_teardown(self, item):
        self._coverage.switch_context(item.nodeid.partition("::")[0])
        return (yield)

    def save(self, path: Path) -> None:
        """All of it as JSON: seconds by test, and tests by line of a file."""
        self._coverage.stop()
        data, of_file = self._coverage.get_data(), dict[str, list[str]]()
        for name in self.seconds:
            of_file.setdefault(name.partition("::")[0], []).append(name)
        lines: dict[str, dict[int, list[str]]] = {}
        for file in data.measured_files():
            lines[os.path.relpath(file)] = found = {}
            for line, contexts in data.contexts_by_lineno(file).items():
                found[line] = sorted({n for one in contexts if one for n in of_file.get(one, [one])})
        path.write_text(json.dumps({"seconds": self.seconds, "lines": lines}))


@dataclass(frozen=True)
class Trace:
    """Which tests run a line, and how long each takes [s]."""

    parts: list[dict[str, Any]]  # of each folder of tests what `Recorder.save` has

    def seconds(self, tests: list[str]) -> float:
        """How long tests take, or the files that they stand in."""
        wanted = set(tests)
        return sum(
            seconds
            for part in self.parts for name, seconds in part["seconds"].items()
            if name in wanted or name.partition("::")[0] in wanted
        )  # fmt: skip

    def tests_of(self, mutant: Mutant) -> list[str]:
        """Those that run its line, the nearest and quickest first; none where importing alone does."""
        at, stem = str(mutant.line), Path(mutant.module).stem
        running = [
            (stem not in name.partition("::")[0], part["seconds"][name], name)
            for part in self.parts for name in part["lines"].get(mutant.module, {}).get(at, [])
        ]  # fmt: skip
        left, chosen = MOST_SECONDS, []
        for _, seconds, name in sorted(running):
            left -= seconds
            chosen += [name] if left > 0 or not chosen else []
        return chosen


def drawn_once(place: Path, count: int, seed: int, nouns: list[str]) -> list[Mutant]:
    """As `draw`, kept in a folder for the next time."""
    path = place / f"drawn-{key_of(ROOT)[:16]}-{count}-{seed}-{'-'.join(nouns)}.json".replace(" ", "")
    if path.exists():
        return [Mutant(**one) for one in json.loads(path.read_text())]
    found = draw(count, seed, nouns)
    path.write_text(json.dumps([asdict(one) for one in found]))
    return found


def is_compiled(module: str) -> bool:
    """Whether a change of a module has kernels compiled anew."""
    return "import numba" in (ROOT / module).read_text()


def key_of(root: Path) -> str:
    """A hash of all that a trace depends on."""
    digest = hashlib.sha256()
    for top in ("roa_circuit", "fitting", "netlists", "meta", "tests"):
        for file in sorted((root / top).rglob("*.py")):
            digest.update(file.read_bytes())
    return digest.hexdigest()


def tests_of(module: str) -> list[list[str]]:
    """The unit tests of the module's folder in two parts: of its name or naming it, and all others."""
    path = Path(module)
    folder = Path("tests/unit") / path.parent
    while not (ROOT / folder).is_dir():
        folder = folder.parent
    name, near, others = ".".join(path.with_suffix("").parts), list[str](), list[str]()
    for file in sorted((ROOT / folder).rglob("test_*.py"), key=lambda f: (path.stem not in f.stem, f)):
        is_near = path.stem in file.stem or name in file.read_text()
        (near if is_near else others).append(str(file.relative_to(ROOT)))
    return [part for part in (near, others) if part]


class Copy:
    """A copy of the tree in which changes are made; tests run in processes forked from this one."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "mutants-tree"
        shutil.rmtree(self.root, ignore_errors=True)
        kernels = str(folder / "mutants-kernels")  # compiled once for all that change none of them
        sys.modules["numba"].config.CACHE_DIR = os.environ["NUMBA_CACHE_DIR"] = kernels
        left_out = shutil.ignore_patterns(
            ".git", ".venv", "__pycache__", "out", "build", "site", ".*cache*"
        )
        shutil.copytree(ROOT, self.root, ignore=left_out)
        shared = os.environ.get("ROA_SHARED_DATA", ROOT.parent / "shared" / "data")
        os.environ |= {"ROA_SHARED_DATA": str(Path(shared).resolve()), "PYTHONPATH": str(self.root)}
        os.chdir(self.root)
        sys.path.insert(0, str(self.root))
        hypothesis.settings.register_profile(
            "mutants",
            derandomize=True,
            deadline=None,
            database=None,
            phases=[hypothesis.Phase.explicit, hypothesis.Phase.generate],
        )

    def trace(self, place: Path) -> Trace:
        """What runs which line; found out here where `place` does not have it of this tree."""
        folder = place / f"trace-{key_of(self.root)}"
        folder.mkdir(parents=True, exist_ok=True)
        if not Path(os.environ["NUMBA_CACHE_DIR"]).exists():
            self.run(["tests/unit/roa_circuit/solver"], 3600.0, self.root / "base.log")
        watched = [str(self.root / one) for globs in CORE.values() for one in globs]
        log, parts = self.root / "base.log", []
        for name in TRIED:
            path = folder / f"{name.replace('/', '-')}.json"
            if not path.exists():
                recorder = Recorder(watched), path
                if self.run([f"tests/unit/{name}"], 3600.0, log, recorder=recorder) != 0:
                    sys.exit(log.read_text() + "\nThe unchanged tests must pass.")
            parts.append(json.loads(path.read_text()))
        return Trace(parts)

    def try_(self, mutant: Mutant, trace: Trace) -> dict[str, object]:
        """What became of a mutant."""
        path, begun, code = self.root / mutant.module, time.perf_counter(), 0
        original, times = path.read_text(), path.stat()
        fresh = Path(tempfile.mkdtemp(dir=self.root)) if is_compiled(mutant.module) else None
        chosen = trace.tests_of(mutant)
        for tests in [chosen] if chosen else tests_of(mutant.module):
            limit = (COMPILING if fresh else STARTING) + 2.0 * trace.seconds(tests)
            path.write_text(mutant.source())
            try:
                code = self.run(tests, limit, self.root / "mutant.log", cache=fresh)
            finally:
                path.write_text(original)
                os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
            if code not in (0, NO_TESTS):
                break
        failed = [
            s for s in (self.root / "mutant.log").read_text().splitlines() if s.startswith("FAILED")
        ]
        survived = code in (0, NO_TESTS)
        return asdict(mutant) | {
            "outcome": "survived" if survived else "killed",
            "by": failed[0][7:150] if failed else f"exit code {code}" * (not survived),
            "seconds": round(time.perf_counter() - begun, 1),
        }

    def run(
        self,
        tests: list[str],
        limit: float,
        log: Path,
        cache: Path | None = None,
        recorder: tuple[Recorder, Path] | None = None,
    ) -> int:
        """The exit code of pytest; below 0 where `limit` seconds of a processor are not enough."""
        pid = os.fork()
        if pid == 0:
            try:
                resource.setrlimit(resource.RLIMIT_CPU, (math.ceil(limit), math.ceil(limit) + 5))
                os._exit(_tested(tests, log, cache, recorder))
            finally:  # whatever happens, this process is not the one that goes on
                os._exit(70)
        until = time.perf_counter() + 300.0 + limit  # of one that waits for something
        while time.perf_counter() < until:
            ended, status = os.waitpid(pid, os.WNOHANG)
            if ended:
                return os.waitstatus_to_exitcode(status)
            time.sleep(0.05)
        os.killpg(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        return -9


def _tested(
    tests: list[str], log: Path, cache: Path | None, recorder: tuple[Recorder, Path] | None
) -> int:
    """The exit code of pytest in this process, which says all into a file."""
    os.setsid()
    sys.dont_write_bytecode = log.name == "mutant.log"
    file = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    for stream in (1, 2):
        os.dup2(file, stream)
    if cache:
        sys.modules["numba"].config.CACHE_DIR = os.environ["NUMBA_CACHE_DIR"] = str(cache)
    if recorder:
        recorder[0].start()
    hanging = ["--timeout=25"] if log.name == "mutant.log" and not cache else []
    try:
        code = pytest.main([*tests, *OPTIONS, *hanging], plugins=[recorder[0]] if recorder else [])
    except BaseException:
        traceback.print_exc()
        raise
    if recorder and code == 0:
        recorder[0].save(recorder[1])
    sys.stdout.flush()
    return int(code)


def explained() -> dict[tuple[str, str, str], str]:
    """Why no test can notice, by module, line as it was, line as it becomes."""
    entries = tomllib.loads(KNOWN.read_text())["mutant"]
    for one in entries:
        if one["was"] not in [line.strip() for line in (ROOT / one["module"]).read_text().splitlines()]:
            sys.exit(f"{KNOWN.name}: {one['module']} has no line {one['was']!r} any more; take it out")
    return {(one["module"], one["was"], one["becomes"]): one["why"] for one in entries}


def main() -> None:
    """Draw, try, and say what survived."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--draw", type=int, default=300, help="how many mutants")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", nargs="+", choices=CORE, default=list(CORE), metavar="NOUN")
    parser.add_argument("--output", type=Path, default=ROOT / "build" / "mutants.jsonl")
    options = parser.parse_args()
    options.output = options.output.resolve()
    options.output.parent.mkdir(parents=True, exist_ok=True)
    known = explained()
    chosen = drawn_once(options.output.parent, options.draw, options.seed, options.only)
    for name in PRELOADED:
        import_module(name)
    done = [json.loads(line) for line in options.output.open()] if options.output.exists() else []
    tried = {(one["module"], one["change"], one["occurrence"], one["was"]): one for one in done}
    copy = Copy(options.output.parent)
    trace = copy.trace(options.output.parent)
    for number, mutant in enumerate(chosen, 1):
        key = (mutant.module, mutant.change, mutant.occurrence, mutant.was)
        if key not in tried:
            tried[key] = copy.try_(mutant, trace)
            with options.output.open("a") as file:
                print(json.dumps(tried[key]), file=file)
        if tried[key]["outcome"] == "survived":
            why = known.get((mutant.module, mutant.was, mutant.becomes))
            print(f"{number}/{len(chosen)} {'equivalent' if why else 'SURVIVED'} {mutant}", flush=True)
            tried[key]["outcome"] = "equivalent" if why else "survived"
    os.chdir(ROOT)
    count = Counter(tried[one.module, one.change, one.occurrence, one.was]["outcome"] for one in chosen)
    print(", ".join(f"{number} {outcome}" for outcome, number in sorted(count.items())))
    sys.exit(1 if count["survived"] else 0)


if __name__ == "__main__":
    main()
