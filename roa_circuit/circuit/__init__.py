"""Circuit: an array as it is specified, before anybody solves it: lines, drivers, mapping, waveforms."""
