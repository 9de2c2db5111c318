"""Reproduction: the paper's table and figures, computed again, cell by cell.

`studies` lists the cells of each table and figure, `networks` finds the network of a cell, `cells`
defines a cell and keeps its result, `runs` computes those that are missing, `tables` and `figures`
show them.
"""
