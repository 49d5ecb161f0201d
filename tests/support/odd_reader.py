"""A reading process whose mails say what happens to it: started by tests as `connectors.mail2sms.intake.reading` is by the hub."""

import os
import re
import sys
from itertools import count

from connectors.mail2sms import mail
from connectors.mail2sms.intake.bounded import serve
from connectors.mail2sms.intake.child import Task

NUMBERS = count()
BACKTRACKS = re.compile(r"(a|aa)+$")


def look(task: Task) -> mail.Read:
    match task.raw.decode():
        case "spin":
            BACKTRACKS.match("a" * 100 + "b")  # in C, and for longer than anybody has
        case "eat":
            _ = bytearray(2**31)
        case "die":
            os._exit(3)
        case "raise":
            raise ValueError(task.raw)
        case "print":
            print("garbage in the middle of an answer", flush=True)  # noqa: T201 - it does that
        case "pid":
            return said(str(os.getpid()))
        case "count":
            return said(str(next(NUMBERS)))
        case "environment":
            return said(" ".join(os.environ))
    return said(task.raw.decode())


def said(text: str) -> mail.Read:
    return mail.Read(mail.Parsed(mail.Wrong("headers_invalid"), mail.Content(text, "")), mail.Proof())


if __name__ == "__main__":
    serve(look, int(sys.argv[1]))
