"""Learning: few-shot networks whose weights live on crossbars and adapt in one write.

What is named here is imported when it is first used, so that `import meta` stays light. The folders
are its nouns, from `data` to `commands`; docs/architecture.md has their order.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
