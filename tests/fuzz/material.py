"""What a campaign of damaged commands starts from: commands that succeed, and the files they read."""

import shutil
from dataclasses import replace

import numpy as np
from PIL import Image

PICTURES = "--dataset folder --data {pictures} --queries 1 --ways 2"
SOLVE = "solve --states {states.csv} --inputs {inputs.csv} -o o.csv"
LAYER = "layer --weights {weights.csv}"
VERIFY = "verify --layer {layer.npz} --time-limit 20 -o out"
SWEEP = "sweep --layer {layer.npz} --workers 1"
SHORT = "--epochs 1 --iterations 2 --batch 1 --validation-tasks 1"
"""A training that stays short where its file has lost the lines that say so."""
COMMANDS = (
    ("fitting", "fit {pulses.csv} -o out"),
    ("fitting", "fit {pulses.csv} -o out --law windows"),
    ("fitting", "fit {pulses.csv} -o out --prior {device.toml} --weighting absolute --loss huber"),
    ("fitting", "inspect {pulses.csv}"),
    ("fitting", "inspect {pulses.xlsx} --most 3"),
    ("fitting", "inspect {wide.npz} --pulse=-1V,1us --read 0.1V --unit uS"),
    ("fitting", "inspect {wide.csv} --pulse=-1V,1us,5 --pulse=1V,1us,5 --read 0.1V --unit uS --scale 1"),
    ("fitting", "inspect {sweep.mat} --si"),
    ("fitting", "inspect {sweep.h5} --dwell 1ms"),
    ("fitting", "spread {pulses.csv} -o out --by train"),
    ("fitting", "design --device {device.toml} --pulses 30 --iv-points 8 -o out"),
    ("netlists", SOLVE + " --device {device.toml}"),
    ("netlists", SOLVE + " --device {formulas.toml} --wire-resistance 2 --drive both"),
    ("netlists", SOLVE + " --device {table.toml}"),
    ("netlists", SOLVE + " --engine dense --source-resistance 1 --sense top"),
    ("netlists", "solve --states {states.npy} --inputs {inputs.npz} -o o.csv --circuit {circuit.toml}"),
    ("netlists", SOLVE + " --imperfections {faults.toml}"),
    ("netlists", SOLVE + " --engine ngspice --time-limit 20 --circuit {access.toml}"),
    ("netlists", "program --wanted {states.csv} --start 0.4 --device {device.toml} -o p.csv"),
    ("netlists", "program --wanted {states.npy} --device {windows.toml} --tolerance 0.5 --scheme V/3"
                 " -o p.csv"),
    ("netlists", "program --wanted {states.csv} --circuit {access.toml} --imperfections {noise.toml}"
                 " --tolerance 0.5 -o p.csv"),
    ("netlists", LAYER + " --device {device.toml} -o l.npz"),
    ("netlists", LAYER + " --activations {inputs.csv} --labels {labels.csv} --start 0.3 -o l.npz"
                 " --json l.json"),
    ("netlists", "compensate --layer {layer.npz}"),
    ("netlists", "compensate --layer {layer.npz} --imperfections {faults.toml} --predistorted s.csv"),
    ("netlists", "netlist --layer {layer.npz} -o deck.cir"),
    ("netlists", "netlist --layer {layer.npz} -o deck.cir --phase write --language xyce --device vteam"),
    ("netlists", "netlist --layer {layer.npz} -o deck.sim --engine vacask --circuit {circuit.toml}"),
    ("netlists", "sweep {sweep.toml} --layer {layer.npz} --workers 1 -o out"),
    ("netlists", SWEEP + " --vary sigma_wn=0,1 --circuit {circuit.toml} --tile 4x4"),
    ("netlists", SWEEP + " --vary adc_bits=4,6 --imperfections {faults.toml} --target mac_error=50%"),
    ("netlists", SWEEP + " --vary r_word=0:5 --vary sigma_wn=0:1 --design sobol --points 4 --samples 8"
                 " --sensitivity sobol"),
    ("netlists", VERIFY + " --phase read"),
    ("netlists", VERIFY + " --phase write --imperfections {faults.toml}"),
    ("netlists", "doctor --json d.json"),
    ("meta", "methods --json m.json"),
    ("meta", f"adapt --network {{network.safetensors}} {PICTURES} -o out"),
    ("meta", f"adapt --network {{network.safetensors}} {PICTURES} -o out --imperfections"
             " {faults.toml}"),
    ("meta", f"evaluate --network {{network.safetensors}} {PICTURES} --tasks 2 --sigma-wn 0,1"),
    ("meta", f"evaluate --network {{network.safetensors}} {PICTURES} --tasks 2 --circuit"
             " {circuit.toml}"),
    ("meta", "adapt --dataset omniglot --data {omniglot.npz} -o out"),
    ("meta", f"train --dataset folder --data {{pictures}} --config {{train.toml}} {SHORT} -o out"),
    ("meta", f"train --data {{pictures}} --config {{train.toml}} --start-network"
             f" {{network.safetensors}} {SHORT} -o out"),
    ("meta", "train --data {pictures} --resume -o {run}"),
    ("meta", "pretrain --dataset folder --data {classes} --config {pretrain.toml} --backbone blocks"
             " --epochs 1 --batch 8 --validation-tasks 1 -o out"),
    ("meta", "pretrain --data {classes} --resume -o {pretrained}"),
    ("meta", "wires --network {network.safetensors} --dataset folder --data {many} --episodes 1"),
    ("meta", f"sweep --network {{network.safetensors}} {PICTURES} --vary sigma_wn=0,1 --repeats 1"
             " --workers 1 -o out"),
    ("meta", "reproduce figure6 --dataset folder --data {many} --networks {runs} --methods roa"
             " --ways 2 --sigma-wn 0 --budget 0.004 -o out"),
)  # fmt: skip
DEAR = ("fit", "spread", "sweep", "doctor", "verify", "reproduce")
"""Commands of several seconds, which are drawn a fifth as often."""


def make_files(folder):
    """Valid files of every kind, small."""
    import torch

    from meta.data.folders import load_folder
    from meta.network.architecture import Architecture
    from meta.network.convolutional import Network
    from meta.training.configuration import Training
    from meta.training.pretrain import pretrain
    from meta.training.pretraining import Pretraining
    from meta.training.train import train
    from roa_circuit.circuit.design_point import default_device
    from roa_circuit.layers.programmed import ProgrammedLayer

    rng = np.random.default_rng(0)
    state, volts = rng.uniform(0.1, 0.9, (4, 3)), rng.uniform(0, 0.1, (2, 4))
    for name, matrix in (("states", state), ("inputs", volts), ("weights", 2 * state - 1)):
        np.savetxt(folder / f"{name}.csv", matrix, delimiter=",")
        np.save(folder / f"{name}.npy", matrix)
        np.savez(folder / f"{name}.npz", matrix)
    (folder / "labels.csv").write_text("0\n1\n")
    ProgrammedLayer.of_weights(2 * state - 1, volts * 10, labels=np.array([0, 1])).save(
        folder / "layer.npz"
    )
    (folder / "device.toml").write_text(default_device().to_toml())
    make_laws(folder)
    (folder / "access.toml").write_text('[transistor]\n"gate_on [V]" = 5.0\n')
    (folder / "circuit.toml").write_text(
        '"temperature [K]" = 320.0\n"c_word [F]" = 1e-15\n[lines]\n"r_word [Ohm]" = 2.0\n'
    )
    (folder / "faults.toml").write_text(
        '"stuck_on [-]" = 0.1\n"adc_bits [-]" = 6\n"adc_range [A]" = 1e-3\n'
    )
    (folder / "noise.toml").write_text('"sigma_wn [-]" = 0.1\n"flicker [-]" = 1e-3\n')
    (folder / "sweep.toml").write_text(
        'design = "grid"\nrepeats = 2\nseed = 0\n[vary]\nwire_resistance = "0:2:3"\n'
    )
    rows = ["train,voltage [V],width [s],read_voltage [V],conductance [S]"]
    rows += [f"up,{-1.1 if n else 0},3e-6,0.1,{1e-3 + 2e-5 * n - 2e-7 * n * n}" for n in range(12)]
    rows += [f"down,{1.4 if n else 0},3e-5,0.1,{1.2e-3 - 2e-5 * n + 2e-7 * n * n}" for n in range(12)]
    (folder / "pulses.csv").write_text("\n".join(rows) + "\n")
    make_tables(folder, rows)
    how = Training(
        dataset="folder",
        ways=2,
        queries=1,
        filters=2,
        epochs=1,
        iterations=2,
        batch=1,
        validation_tasks=1,
    )
    (folder / "train.toml").write_text(how.to_toml())
    architecture = Architecture(ways=2, filters=2)
    network = Network(architecture, torch.Generator().manual_seed(0))
    network.clip_weights()
    network.save(folder / "network.safetensors", training={})
    make_pictures(folder / "pictures", 3, rng)
    make_pictures(folder / "many", 16, rng)
    make_pictures(folder / "classes", 2, rng, classes="abcde")
    train(load_folder(folder / "pictures"), how, folder / "run")
    shutil.copytree(folder / "run", folder / "runs" / "roa-2way")
    first = Pretraining(dataset="folder", filters=2, epochs=1, batch=8, warm_up=1, validation_tasks=1)
    (folder / "pretrain.toml").write_text(first.to_toml())
    pretrain(load_folder(folder / "classes"), first, folder / "pretrained")
    packed = rng.integers(0, 255, (2, 20, 1379), dtype=np.uint8)
    np.savez_compressed(folder / "omniglot.npz", packed=packed, names=np.array(["a/b", "a/c"]))


def make_laws(folder):
    """Parameter sets of the other laws."""
    from roa_circuit.device.laws.table import Table
    from roa_circuit.device.laws.windows import Windows
    from roa_circuit.device.parameters import load_device

    own, formulas = load_device("zhang2021"), load_device("vteam")
    branches = {name: getattr(own.memristor, name) for name in ("gamma", "delta", "alpha", "beta")}
    windows = Windows(**branches, k=1e-4, mu1=19.25, mu2=13.0, p=1.0, q=0.5, ratio=20.0)
    up, down = own.pulses.potentiation_voltage, own.pulses.depression_voltage
    table = Table(
        **branches, states=(0.0, 0.3, 0.7, 1.0), up=(up,), down=(down,),
        raises=((0.05, 0.04, 0.02, 0.0),), lowers=((0.0, 0.01, 0.02, 0.03),),
        width_up=own.pulses.potentiation_width, width_down=own.pulses.depression_width,
    )  # fmt: skip
    (folder / "formulas.toml").write_text(formulas.to_toml())
    for name, law in (("windows", windows), ("table", table)):
        (folder / f"{name}.toml").write_text(replace(own, memristor=law).to_toml())


def make_tables(folder, rows):
    """Measurements in containers, and a table of nothing but readings."""
    import h5py
    import openpyxl
    import scipy.io

    book = openpyxl.Workbook()
    for row in rows:
        book.active.append([float(cell) if cell[-1].isdigit() else cell for cell in row.split(",")])
    book.save(folder / "pulses.xlsx")
    readings = 100.0 + np.outer(np.arange(10.0), [1.0, 2.0])
    np.savetxt(folder / "wide.csv", readings, delimiter=",", header="one,two", comments="")
    np.savez(folder / "wide.npz", readings)
    volts = np.concatenate([np.linspace(0, 1, 11), np.linspace(0.9, 0, 10)])
    scipy.io.savemat(folder / "sweep.mat", {"V": volts, "I": 1e-5 * volts})
    with h5py.File(folder / "sweep.h5", "w") as file:
        for name, values, unit in (("voltage", volts, "V"), ("current", 1e-5 * volts, "A")):
            file.create_dataset(name, data=values).attrs["units"] = unit


def make_pictures(folder, count, rng, classes="ab"):
    """Splits of two classes, or others, with so many pictures each."""
    for split in ("train", "validation", "test"):
        for letter in classes:
            inside = folder / split / letter
            inside.mkdir(parents=True)
            for number in range(count):
                Image.fromarray(rng.integers(0, 255, (28, 28), dtype=np.uint8)).save(
                    inside / f"{number}.png"
                )
