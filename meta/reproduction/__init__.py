"""The paper's table and figures, computed again: what they show, who fills their cells, and the results.

`studies` lists the cells of each table and figure, `networks` finds the network of a cell, `cells`
defines a cell and keeps its result, `runs` computes those that are missing, `tables` and `figures`
show them.
"""
