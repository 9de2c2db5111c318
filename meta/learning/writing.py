"""Writing: on which cells an adaptation is written, by which method, in which pulses."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from meta.learning.hardware import WriteModel
from meta.network.convolutional import Network
from meta.network.methods import METHODS, Method, find_method
from roa_circuit.basics.errors import InputError
from roa_circuit.circuit.design_point import default_device
from roa_circuit.circuit.mapping import REFERENCE, Mapping
from roa_circuit.circuit.pairs import PairWrite
from roa_circuit.device.parameters import Device
from roa_circuit.device.programming import Programming


@dataclass(frozen=True, kw_only=True)
class Writing:
    """How adaptations are written.

    device : the cells, by their parameters; those of the design point by default
    method : what is written, and from which state
    programming : how pulses are counted, and how noise disturbs them
    relative_rate : factor on the learned inner rates; None leaves it to the method
    verify_rounds : rounds of write-verify that map theta_0 onto the cells; 0 maps it ideally
    ideal : write nothing, and keep the adapted weights as they are
    mapping : how the cells of a weight lie on columns, and how pairs are written

    Raises
    ------
    InputError : a negative rate, or a negative number of rounds.
    """

    device: Device = field(default_factory=default_device)
    method: Method = METHODS["roa"]
    programming: Programming = field(default_factory=Programming)
    relative_rate: float | None = None
    verify_rounds: int = 0
    ideal: bool = False
    mapping: Mapping = REFERENCE

    def __post_init__(self) -> None:
        if self.relative_rate is not None and not self.relative_rate >= 0:
            raise InputError(f"relative_rate = {self.relative_rate} must be 0 or more")
        if self.verify_rounds < 0:
            raise InputError(f"verify_rounds = {self.verify_rounds} must be 0 or more")

    @classmethod
    def of(cls, network: Network, *, method: str | None = None) -> Writing:
        """The writing that the network was trained for, or that of another method.

        Raises
        ------
        InputError : an unknown method, or a device that the network was trained on and does not hold.
        """
        return cls(
            device=trained_device(network),
            method=find_method(method or network.trained_by),
            programming=Programming(max_pulses=network.max_pulses),
            mapping=trained_mapping(network),
        )

    def check(self, network: Network) -> None:
        """Check that the method is one for such a network.

        Raises
        ------
        InputError : it writes an erased head and the network learned its own, or the other way round;
            or pairs that it cannot write.
        """
        if self.mapping.paired:
            require_pairs(self.mapping, replace(self.method, steps=network.architecture.steps))
            if self.verify_rounds:
                rounds = f"verify_rounds = {self.verify_rounds}"
                raise InputError(
                    f"mapping {self.mapping}: {rounds} maps one cell a weight; leave it out"
                )
        if (self.method.erased is None) == (network.architecture.erased is None):
            return
        head = "a head that it learned" if network.architecture.erased is None else "an erased head"
        raise InputError(
            f"method {self.method.name!r} cannot write this network, which has {head}; leave the method "
            f"out, and it is written by {network.trained_by!r}"
        )

    @property
    def model(self) -> WriteModel | None:
        """The device and its programming; None where nothing is written."""
        if self.ideal:
            return None
        return WriteModel(device=self.device, how=self.programming, mapping=self.mapping)

    @property
    def noisy(self) -> bool:
        """Whether a write draws noise."""
        return not self.ideal and self.programming.sigma_wn > 0

    @property
    def chooses_its_rate(self) -> bool:
        """Whether the relative rate is left to the method, and it picks one for each level of noise."""
        return self.relative_rate is None and self.method.rate == "chosen"

    def at(self, sigma_wn: float) -> Writing:
        """The same at another level of write noise."""
        return replace(self, programming=replace(self.programming, sigma_wn=sigma_wn))

    def rate(self, network: Network) -> float:
        """The relative rate: as asked for, that of the training for methods that choose one, or 1."""
        if self.relative_rate is not None:
            return self.relative_rate
        return network.written_rate if self.method.rate == "chosen" else 1.0


def require_pairs(mapping: Mapping, method: Method) -> None:
    """Check that a method's write can be one of pairs.

    Raises
    ------
    InputError : it writes no pulses on cells in a known state, or in several steps, or on erased cells
        in another way than by raising them.
    """
    pairs, one = f"mapping {mapping}", "write one cell a weight: --mapping reference"
    if method.written != "pulses":
        raise InputError(
            f"{pairs}: method {method.name!r} writes no change in pulses on its trained state, and pairs"
            f" have no other write here; {one}"
        )
    if method.steps > 1:
        raise InputError(
            f"{pairs}: method {method.name!r} takes {method.steps} steps, and what the first leaves in"
            f" both cells is not carried on; {one}"
        )
    if method.erased is not None and mapping.write is not PairWrite.raise_:
        raise InputError(
            f"{pairs}: the cells of an erased head can only rise; take --mapping pair, which raises them"
        )


def require_head_mapping(mapping: Mapping, method: Method) -> None:
    """Check that a method's erased head can be written on a mapping, and differs from those of others.

    Raises
    ------
    InputError : as `require_pairs` and `require_one_reference`.
    """
    if mapping.paired:
        require_pairs(mapping, method)
    else:
        require_one_reference(mapping)


def require_one_reference(mapping: Mapping) -> None:
    """Check that there is one reference, where nothing reads more of them.

    Raises
    ------
    InputError : references of groups, which differ from one in a circuit alone.
    """
    if mapping.every is not None:
        raise InputError(
            f"mapping {mapping}: changes nothing without a circuit; train with reference, and give"
            f" --mapping {mapping} to `evaluate --circuit FILE`"
        )


def trained_device(network: Network) -> Device:
    """The device that a network was trained on, which its file holds; else the design point's.

    Raises
    ------
    InputError : it was trained on another by a version that kept its name alone.
    """
    kept, named = network.note.get("device"), network.note.get("training", {}).get("device")
    if isinstance(kept, dict):
        return Device.from_dict(kept, source="the network's device")
    if named in (None, "zhang2021"):
        return default_device()
    raise InputError(
        f"the network was trained on device {named!r}, which its file lacks; name it with --device"
    )


def trained_mapping(network: Network) -> Mapping:
    """The mapping that a network was trained for; one cell a weight unless its file says otherwise."""
    return Mapping.parse(network.note.get("training", {}).get("mapping") or str(REFERENCE))
