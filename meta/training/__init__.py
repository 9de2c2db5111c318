"""Training: the outer loop that makes a network adapt well; a run is a folder."""
