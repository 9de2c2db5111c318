"""Solver: currents and voltages of a specified array, fast, dense and behind its amplifiers.

The kernels stay beside the solver that calls them.
"""
