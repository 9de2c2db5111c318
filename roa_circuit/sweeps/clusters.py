"""Clusters: where Dask workers come from, a scheduler that is already running or jobs of SLURM."""

from __future__ import annotations

import logging
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from roa_circuit.basics.errors import InputError

SLURM = "slurm"
_SUBMIT = "sbatch"
_SETTINGS = "~/.config/dask/jobqueue.yaml, or DASK_JOBQUEUE__SLURM__CORES and ..__MEMORY"


@contextmanager
def scheduler_at(asked: str | None, workers: int) -> Iterator[str | None]:
    """The address of the scheduler: the one given, or for 'slurm' that of one in this process.

    The workers of the latter are jobs that dask-jobqueue submits as its own configuration says, enough
    for `workers` processes. They take up points as they begin to run, and end with the context.

    Raises
    ------
    InputError : dask-jobqueue or `sbatch` is missing, no cores and memory are configured for a job,
        or SLURM refuses it.
    """
    if asked != SLURM:
        yield asked
        return
    with slurm_cluster() as cluster:
        _require_taken(cluster.job_script())
        cluster.scale(workers)
        yield cluster.scheduler_address


@contextmanager
def quiet_scheduler_at(asked: str | None, workers: int) -> Iterator[str | None]:
    """`scheduler_at` for a command that ends in one line, without the tracebacks that Dask would log.

    Log levels set in Dask's configuration, as by DASK_LOGGING__DISTRIBUTED=info, are kept.
    """
    if asked:
        _silence_dask()
    with scheduler_at(asked, workers) as address:
        yield address


def _silence_dask() -> None:
    with suppress(ImportError):  # which whoever asks for a cluster tells in one line
        import dask
        import distributed  # noqa: F401  (sets its levels as it is imported)

        if not dask.config.get("logging", None):
            for name in ("distributed", "distributed.client", "distributed.gc"):
                logging.getLogger(name).setLevel(logging.CRITICAL + 1)


def slurm_cluster() -> Any:
    """A `SLURMCluster` without jobs yet; each will have a process for each core, or as configured."""
    try:
        import dask
        from dask_jobqueue.slurm import SLURMCluster
    except ImportError:
        raise InputError("--scheduler slurm needs pip install 'roa-circuit[slurm]'") from None
    if shutil.which(_SUBMIT) is None:
        raise InputError("--scheduler slurm: no sbatch here; start it where jobs are submitted from")
    settings = dask.config.get("jobqueue.slurm")
    if not (settings["cores"] and settings["memory"]):
        raise InputError(f"--scheduler slurm: no cores and memory of a job; set them in {_SETTINGS}")
    cluster: Any = SLURMCluster
    return cluster(
        processes=settings["processes"] or settings["cores"],
        scheduler_options={"dashboard_address": ":0"},  # any free port, for other sweeps run here
    )


def _require_taken(script: str) -> None:
    """Ask SLURM before Dask does, which would wait for jobs that were refused."""
    asked = subprocess.run(
        [_SUBMIT, "--test-only"], input=script, capture_output=True, text=True, check=False
    )
    if asked.returncode:
        raise InputError(f"--scheduler slurm: {asked.stderr.strip() or 'sbatch refuses the job'}")
