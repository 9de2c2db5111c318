"""A line between two processes: messages through a socket, arrays and tensors through shared memory.

A socket's buffer holds a fraction of a network: without shared memory, the two ends would wait for
each other a dozen times in every message.
"""

from __future__ import annotations

import io
import os
import pickle
import socket
import tempfile
from multiprocessing.connection import Connection
from typing import Any

import torch


class Line:
    """One end of the line. Both processes belong to this toolkit; one has started the other.

    ends : file descriptors of its socket, of the memory that it writes and of the memory that it reads
    """

    def __init__(self, *ends: int) -> None:
        self.ends = ends
        self._socket, self._to, self._from = Connection(ends[0]), *ends[1:]

    def fileno(self) -> int:
        """For `multiprocessing.connection.wait`."""
        return self._socket.fileno()

    def send(self, message: Any) -> None:
        """Send anything that can be pickled, once the other end has received the last message."""
        arrays: list[pickle.PickleBuffer] = []
        head = io.BytesIO()
        _Pickler(head, protocol=5, buffer_callback=arrays.append).dump(message)
        parts = [array.raw() for array in arrays]
        os.pwritev(self._to, parts, 0)
        self._socket.send((head.getvalue(), [len(part) for part in parts]))

    def receive(self) -> Any:
        """The next message.

        Raises
        ------
        EOFError, OSError : the other end is closed.
        """
        head, sizes = self._socket.recv()
        parts = [bytearray(size) for size in sizes]
        os.preadv(self._from, parts, 0)
        return pickle.loads(head, buffers=parts)

    def close(self) -> None:
        """Close this end."""
        self._socket.close()
        os.close(self._to)
        os.close(self._from)


class _Pickler(pickle.Pickler):
    """Tensors as arrays: torch would write each of them to a file of its own in the message."""

    def reducer_override(self, value: Any) -> Any:
        if isinstance(value, torch.nn.Parameter):
            return torch.nn.Parameter, (value.data, value.requires_grad)
        if isinstance(value, torch.Tensor):
            return torch.from_numpy, (value.numpy(force=True),)
        return NotImplemented


def pair() -> tuple[Line, Line]:
    """Both ends of a new line."""
    one, other = (end.detach() for end in socket.socketpair())
    there, back = _memory(), _memory()
    return Line(one, there, back), Line(other, os.dup(back), os.dup(there))


def _memory() -> int:
    """Shared memory without a name, so that nothing of it is left behind."""
    if hasattr(os, "memfd_create"):
        return os.memfd_create("roa")
    with tempfile.TemporaryFile() as file:
        return os.dup(file.fileno())
