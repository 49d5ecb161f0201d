"""Waiting for news of a mailbox, and never longer than its server is there.

A connection that has ended is silent: `idle_check` answers at once, with nothing, for ever. So an early nothing, and any silence that lasts,
is answered by a question, and a server that does not answer that in time is gone.
"""

from collections.abc import Callable
from time import monotonic

from imapclient import IMAPClient
from imapclient.exceptions import CapabilityError

from connectors.contract import Stop
from connectors.mail2sms.intake.connection import Line, Times

_EARLY = 0.5  # of the time that it was to wait


def wait(line: Line, times: Times, stop: Stop, heard: Callable[[], None], ends: float) -> None:
    """Until there may be something new, or `stop`, or `ends` (by monotonic()). Raises what says that the connection has ended."""
    while not stop.is_set() and monotonic() < ends:
        try:
            news = _idled(line, times, stop, heard, ends)
        except CapabilityError:
            news = _polled(line, times, stop, ends)
        heard()
        if news:
            return


def _polled(line: Line, times: Times, stop: Stop, ends: float) -> bool:
    stop.wait(max(0.0, min(times.poll, ends - monotonic())))
    _proven(line, times, lambda: line.client.noop()[1])
    return True


def _idled(line: Line, times: Times, stop: Stop, heard: Callable[[], None], ends: float) -> bool:
    """One IDLE (RFC 2177), until something is said of the mailbox, or nothing for too long; then the server proves to be there."""
    line.client.idle()
    if _told(line.client, times, stop, heard, ends):
        _proven(line, times, lambda: line.client.idle_done()[1])
        return True
    return _proven(line, times, lambda: [*line.client.idle_done()[1], *line.client.noop()[1]])


def _told(client: IMAPClient, times: Times, stop: Stop, heard: Callable[[], None], ends: float) -> bool:
    """Whether something was said of the mailbox. False: nothing, for as long as that may be; or the connection has ended."""
    quiet_until = monotonic() + times.quiet
    while not stop.is_set():
        now = monotonic()
        left = min(times.turn, quiet_until - now, ends - now)
        if left <= 0:
            return False
        said = client.idle_check(left)
        if any(_is_news(each) for each in said):
            return True
        if said:  # that it is still there
            heard()
            quiet_until = monotonic() + times.quiet
        elif monotonic() - now < left * _EARLY:
            return False
    return False


def _proven(line: Line, times: Times, ask: Callable[[], list[tuple[object, ...]]]) -> bool:
    """Ask, and wait for the answer no longer than for a proof of life. Whether there is news in it."""
    line.wait_for_answers(times.prove)
    said = ask()
    line.wait_for_answers(times.answer)
    return any(_is_news(each) for each in said)


def _is_news(said: tuple[object, ...]) -> bool:
    """All but `* OK Still here`: a new mail (`* 5 EXISTS`), or an end (`* BYE`), which the next command tells."""
    return said[:1] != (b"OK",)
