"""Columns: what each column of a sheet is, by its title, its unit and its numbers."""
