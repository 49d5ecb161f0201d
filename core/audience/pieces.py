"""An uploaded file in the database, a mebibyte a row: neither the database nor a process ever holds a large file at once."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO, Final

from sqlalchemy import delete, select

from core.errors import Refused
from core.runtime import Runtime, Tx
from core.schema import import_files

PIECE_BYTES: Final = 1 << 20
MAX_FILE_BYTES: Final = 50 << 20


@contextmanager
def spooled(stream: BinaryIO) -> Iterator[BinaryIO]:
    """The upload as a file that can be read again, for a while. Refuses `file_too_large` before more than that is written."""
    with tempfile.TemporaryFile() as file:
        while piece := stream.read(PIECE_BYTES):
            if file.tell() + len(piece) > MAX_FILE_BYTES:
                raise Refused.at(
                    "/file", "file_too_large", f"A file has at most {MAX_FILE_BYTES >> 20} MiB: import it in parts."
                )
            file.write(piece)
        file.seek(0)
        yield file


def store(tx: Tx, import_id: str, file: BinaryIO) -> None:
    file.seek(0)
    for place, content in enumerate(iter(lambda: file.read(PIECE_BYTES), b"")):
        tx.insert(import_files, ("import_id", "piece", "content"), [(import_id, place, content)])


@contextmanager
def fetched(runtime: Runtime, import_id: str) -> Iterator[BinaryIO]:
    """The stored file, for a while, fetched piece by piece."""
    with tempfile.TemporaryFile() as file:
        with runtime.read() as tx:
            for place in range(MAX_FILE_BYTES // PIECE_BYTES + 1):
                mine = (import_files.c.import_id == import_id) & (import_files.c.piece == place)
                content = tx.scalar(select(import_files.c.content).where(mine))
                if content is None:
                    break
                file.write(content)
        file.seek(0)
        yield file


def discard(tx: Tx, import_id: str) -> None:
    tx.execute(delete(import_files).where(import_files.c.import_id == import_id))
