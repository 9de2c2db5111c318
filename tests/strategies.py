"""Arrays for hypothesis to draw: every way in which a crossbar may be wired."""

from hypothesis import strategies as st

from roa_circuit.circuit.breaks import LINES, Break
from roa_circuit.circuit.crossbar import DRIVES, SENSES, Crossbar

OHMS = st.one_of(st.just(0.0), st.floats(1e-3, 1e5))


@st.composite
def crossbars(draw, *, most=12, ohms=OHMS, **fixed):
    """Up to `most` lines either way; a resistance is one number or one a line, 0 among them."""
    rows, columns = draw(st.integers(1, most)), draw(st.integers(1, most))

    def resistance(lines):
        return draw(st.one_of(ohms, st.lists(ohms, min_size=lines, max_size=lines).map(tuple)))

    drawn = {
        "r_source": resistance(rows),
        "r_word": resistance(rows),
        "r_bit": resistance(columns),
        "r_sense": resistance(columns),
        "drive": draw(st.sampled_from(DRIVES)),
        "sense": draw(st.sampled_from(SENSES)),
    }
    return Crossbar(rows=rows, columns=columns, **(drawn | fixed))


@st.composite
def broken_crossbars(draw, *, most=8, ohms=OHMS):
    """Breaks of one kind of line: every piece touches whole lines of the other, none floats alone."""
    whole, line = draw(crossbars(most=most, ohms=ohms)), draw(st.sampled_from(LINES))
    places = st.tuples(st.integers(0, whole.rows - 1), st.integers(0, whole.columns - 1))
    chosen = draw(st.lists(places, min_size=1, max_size=4, unique=True))
    breaks = tuple(Break(line=line, row=i, column=j) for i, j in chosen)
    return Crossbar(**{**vars(whole), "breaks": breaks})
