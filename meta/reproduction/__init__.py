"""The paper's table and figures, computed again: what they show, who fills their cells, and the results.

`studies` says which cells there are, `networks` which network serves a cell, `cells` what one is and
where its result is kept, `runs` computes those that are missing, `tables` and `figures` show them.
"""
