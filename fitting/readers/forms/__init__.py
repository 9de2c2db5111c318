"""Forms: the shapes of tables, each made into a reading a row."""
