# %% [markdown]
# # Open the deck in your simulator
#
# A *deck* is a circuit as text. The toolkit writes the deck of any array, so that you can run it in
# the simulator that you trust, add your own parts, and check our numbers. You need ngspice for the
# second half of this tutorial.
#
# ## A small array
#
# Four word lines, three bit lines, 5 Ω a segment, and two reads:

# %%
import dataclasses

import numpy as np

from netlists import read_deck
from roa_circuit import default_crossbar, default_device, read_currents

rng = np.random.default_rng(0)
device = default_device()
array = dataclasses.replace(default_crossbar(4, 3), r_word=5.0, r_bit=5.0)
state, voltages = rng.random((4, 3)), rng.uniform(0, 0.1, (2, 4))
deck = read_deck(array, state, voltages, device)
lines = deck.text.splitlines()
print(f"{len(lines)} lines; the cells of the first word line:")
print(*[line for line in lines if line.startswith("Xword0")], sep="\n")

# %% [markdown]
# Cells are called `Xword0_col0`, and the nodes at both of its ends `word0_col0` and `bit0_row0`.
# The same array gives the same text, to the byte. On the command line the deck of a layer is
# `roa-spice netlist --layer fc -o crossbar.cir`.
#
# ## Run it
#
# `simulate` runs ngspice in a process of its own. `ngspice -b crossbar.cir` runs the same text by
# hand.

# %%
from netlists import simulate

result = simulate(deck.text)
measured = deck.measured(result)
expected = read_currents(array, state, voltages, device)
print(f"{result.version}: {np.round(1e9 * measured[0], 1)} nA in the first read")
print(f"the fast solver is within {np.abs(measured / expected - 1).max():.0e} of it")

# %% [markdown]
# ## Another simulator
#
# The same circuit in the language of Spectre, LTspice, Xyce or HSPICE. We could not run those four
# here, only check the text; Spectre's deck loads a Verilog-A model that is written beside it. On
# the command line this is `--language spectre`.

# %%
from netlists.decks.languages import Language, exported

for language in Language:
    files = exported(deck.circuit, language)
    first = next(line for line in files[""].splitlines() if line.startswith("Xword0"))
    print(
        f"{language}: {', '.join(name or 'the deck' for name in files)}; run it with {language.command}"
    )
    print(f"    {first}")

# %% [markdown]
# ## Look at a write
#
# Decks are not only for reads. Here a cell gets three pulses that raise it, behind the same wires,
# and we keep the waveforms. The state is a node of the cell, so that any simulator can plot it.

# %% alt="Above: the voltage across the written cell, three negative pulses. Below: its state rises with each pulse"
import matplotlib.pyplot as plt

from netlists import write_deck

pulses = np.zeros((4, 3), dtype=np.int64)
pulses[1, 2] = 3
write = write_deck(array, np.full((4, 3), 0.2), pulses, device, recorded=True)
waves = simulate(write.text).vectors
cell = waves["word1_col2"] - waves["bit2_row1"]

figure, (above, below) = plt.subplots(2, 1, sharex=True, figsize=(6, 4), layout="constrained")
above.plot(1e6 * waves["time"], cell)
above.set(ylabel="cell voltage [V]")
below.plot(1e6 * waves["time"], waves["xword1_col2.omega"], color="C1")
below.set(xlabel="time [µs]", ylabel="state ω")
plt.show()
reached = waves["xword1_col2.omega"][-1]
print(f"the cell went from 0.2 to {reached:.4f}")

# %% [markdown]
# The fast solver writes the same array through the same wires:

# %%
from roa_circuit import write_in_situ

surrogate = write_in_situ(array, np.full((4, 3), 0.2), pulses, device).state[1, 2]
print(f"the fast solver says {surrogate:.4f}")

# %% [markdown]
# ## Where to go on
#
# * [Export a netlist](../tasks/netlist.md): whole layers, models alone, your own cell in Verilog-A.
# * [Verifying in a simulator](../spice.md): what is compared with what, and how closely it agrees.
# * `roa-spice doctor` says which simulators are found here, and whether they work.
