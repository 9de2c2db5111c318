"""Drawings load matplotlib quickly, and leave it whole."""

import subprocess
import sys

import pytest


@pytest.mark.long
def test_drawing_leaves_matplotlib_whole():
    """Its quick start puts off parts that a later user has all the same."""
    code = (
        "import sys; from roa_circuit.presentation.drawing import draw; "
        "draw('a', 'b', lambda figure: figure.subplots()); "
        "print({'mpl_toolkits.mplot3d', 'matplotlib.dviread'} & set(sys.modules)); "
        "from matplotlib.figure import Figure; from matplotlib import artist, dviread; "
        "print(Figure().add_subplot(projection='3d').name, 'alpha' in artist.kwdoc(Figure()), "
        "dviread.Dvi.__name__)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["set()", "3d True Dvi"]
