"""Looking up names, and not for ever: the machine's resolver may take half a minute over a name whose servers are dead."""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Final

Resolve = Callable[[str, int], Sequence[str]]

MOST: Final = 64


@dataclass(slots=True)
class Lookups:
    """Those under way. Each has a thread, which can't be stopped: who asks for the same name waits for the same one."""

    most: int = MOST
    _under_way: dict[tuple[str, int], Future[Sequence[str]]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def within(self, seconds: float, resolve: Resolve, host: str, port: int) -> Sequence[str]:
        """The addresses of a name. Raises what `resolve` raises, and TimeoutError (an OSError): also where too many are under way."""
        with self._lock:
            found = self._under_way.get((host, port))
            if found is None:
                found = self._begun(resolve, host, port)
        return found.result(max(0.0, seconds))

    def _begun(self, resolve: Resolve, host: str, port: int) -> Future[Sequence[str]]:
        if len(self._under_way) >= self.most:
            raise TimeoutError("too many names are being looked up")
        found: Future[Sequence[str]] = Future()
        self._under_way[host, port] = found
        threading.Thread(target=self._look, args=(found, resolve, host, port), name="smshub-name", daemon=True).start()
        return found

    def _look(self, found: Future[Sequence[str]], resolve: Resolve, host: str, port: int) -> None:
        try:
            addresses = resolve(host, port)
        except Exception as error:  # noqa: BLE001 - whoever waits for it raises it
            self._over(host, port)
            found.set_exception(error)
        else:
            self._over(host, port)
            found.set_result(addresses)

    def _over(self, host: str, port: int) -> None:
        with self._lock:
            del self._under_way[host, port]
