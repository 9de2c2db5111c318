"""Workers in jobs of SLURM; a stand-in for its commands runs each job's script on this machine."""

import shutil
import sys

import pytest

from roa_circuit.basics.errors import InputError
from roa_circuit.sweeps import Workers, sweep
from roa_circuit.sweeps.clusters import scheduler_at, slurm_cluster
from roa_circuit.sweeps.tables import netcdf

SBATCH = """#!/bin/bash
if [ "$1" = --test-only ]; then
    grep -q -- '-p nowhere' && { echo 'invalid partition specified: nowhere' >&2; exit 1; }
    exit 0
fi
script=$(cat "$1")
setsid bash -c "$script" </dev/null >"$0.log" 2>&1 &
echo "Submitted batch job $!" | tee -a "$0.jobs"
"""
SCANCEL = """#!/bin/bash
kill -- "-$1"
echo "$1" >>"$0.jobs"
"""


@pytest.fixture
def slurm(tmp_path, monkeypatch):
    """A folder of the commands, and of what they noted."""
    for name, text in (("sbatch", SBATCH), ("scancel", SCANCEL)):
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    configured(monkeypatch, cores=2, memory="2GB")
    return tmp_path


def configured(monkeypatch, **settings):
    """As the variables DASK_JOBQUEUE__SLURM__... or a file would."""
    import dask_jobqueue  # noqa: F401  (has the defaults)
    from dask import config

    for name, value in settings.items():
        monkeypatch.setitem(config.get("jobqueue.slurm"), name, value)


def jobs(slurm, command):
    return sorted(line.split()[-1] for line in (slurm / f"{command}.jobs").read_text().splitlines())


@pytest.mark.long
def test_jobs_of_slurm_give_the_same_numbers_and_end_with_the_sweep(slurm, make_layer):
    how = {"vary": {"wire_resistance": [0, 1, 10], "sigma_wn": [0, 1]}, "repeats": 2}
    here = sweep(make_layer(), **how)
    there = sweep(make_layer(), **how, workers=Workers(scheduler="slurm", count=3))  # two jobs of two
    assert netcdf(there) == netcdf(here)
    assert len(jobs(slurm, "sbatch")) == 2
    assert jobs(slurm, "scancel") == jobs(slurm, "sbatch")


def test_a_job_has_a_worker_of_one_thread_a_core_in_this_environment(slurm):
    with slurm_cluster() as cluster:
        script = cluster.job_script()
        address = cluster.scheduler_address
    assert "#SBATCH --cpus-per-task=2" in script
    assert f"{sys.executable} -m distributed.cli.dask_worker {address}" in script
    assert "--nthreads 1" in script
    assert "--nworkers 2" in script


def test_a_second_sweep_on_a_node_leaves_the_dashboards_port_to_the_first(slurm):
    with slurm_cluster(), slurm_cluster() as second:
        assert second.scheduler_address


def test_what_lacks_for_slurm_is_one_line(slurm, monkeypatch):
    def refused():
        with pytest.raises(InputError) as caught, scheduler_at("slurm", 1):
            raise AssertionError
        return str(caught.value)

    configured(monkeypatch, queue="nowhere")
    assert "invalid partition specified: nowhere" in refused()
    configured(monkeypatch, cores=None)
    assert "cores and memory of a job" in refused()
    monkeypatch.setattr(shutil, "which", lambda name: None)
    assert "no sbatch here" in refused()


def test_an_address_is_left_alone():
    with scheduler_at("tcp://host:1", 4) as address:
        assert address == "tcp://host:1"
