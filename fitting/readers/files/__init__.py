"""Files: text, workbooks, arrays and instruments' own formats, as lines of cells."""
