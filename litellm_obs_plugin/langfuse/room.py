"""How much may wait, over all projects together."""

import threading


class Room:
    """Counts items and bytes against their bounds. Thread-safe."""

    def __init__(self, *, max_items: int, max_bytes: int) -> None:
        self._max_items = max_items
        self._max_bytes = max_bytes
        self._lock = threading.Lock()
        self.items = 0
        self.bytes = 0

    def take(self, size: int) -> bool:
        """Room for one more item of *size* bytes; False when there is none."""
        with self._lock:
            if self.items >= self._max_items or self.bytes + size > self._max_bytes:
                return False
            self.items += 1
            self.bytes += size
            return True

    def give_back(self, *, items: int, size: int) -> None:
        """The room of *items* items with *size* bytes in all."""
        with self._lock:
            self.items -= items
            self.bytes -= size
