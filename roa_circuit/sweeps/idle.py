"""Idle axes of a sweep: what was varied, and changed no number of any chip."""

from __future__ import annotations

from roa_circuit.sweeps.findings import Findings


def idle_axes(found: Findings) -> list[str]:
    """The axes along which every number stays the same to the last bit, wherever the others stand.

    Only a grid tells, whose points differ in one axis at a time, and only where no point failed.
    """
    if not found.sweep.is_grid or found.failed:
        return []
    points, names = found.sweep.configurations(), [axis.name for axis in found.sweep.axes]
    numbers = [[found.study.store.get(point, seed) for seed in found.study.seeds] for point in points]
    idle = []
    for name in names:
        groups: dict[str, list[int]] = {}
        for index, point in enumerate(points):
            others = sorted((key, value) for key, value in point.items() if key != name)
            groups.setdefault(repr(others), []).append(index)
        of_several = [group for group in groups.values() if len(group) > 1]
        same = all(repr(numbers[i]) == repr(numbers[one[0]]) for one in of_several for i in one)
        idle += [name] if of_several and same else []
    return idle
