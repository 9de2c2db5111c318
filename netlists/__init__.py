"""Circuit to simulators and back: decks, simulation in worker processes, verification."""

import lazy_loader

# What `__init__.pyi` names is imported when it is first used.
__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
