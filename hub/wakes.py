"""Wakes: what one process tells others through Celery, and that is all that Celery carries here: a topic on which there is work.

The database is the queue. A wake may be lost or come twice without harm: whoever gets one looks into the database, and looks there each
second without any. Hence no result backend, and never an ETA or a countdown: with Redis, one beyond the visibility timeout runs again
and again (celery/kombu#337).
"""

from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

import redis
from celery import Celery
from kombu.common import Broadcast
from kombu.entity import Exchange, Queue
from redis.backoff import NoBackoff
from redis.retry import Retry

EVERYONE: Final = ("dispatch", "inbound")  # a lane and a pump are one process's, and nobody else knows whose
ONE: Final = ("jobs", "events", "hooks")  # any worker will do
TASK: Final = "smshub.wake"
TO_ALL: Final = "smshub.all"
CONNECT_S: Final = 1.0
ANSWER_S: Final = 2.0
RING_MS: Final = 1000  # a ring that nobody took for so long may be told again


def queue_of(topic: str) -> str:
    """The queue of a topic that one worker is enough for."""
    return f"smshub.{topic}"


def ring_key(topic: str) -> str:
    """Where Redis notes that a ring on `topic` is under way, and that nobody looked for work since."""
    return f"smshub:ring:{topic}"


def application(url: str, woken: Callable[[str], None] | None = None) -> Celery:
    """The Celery application. `woken` is called with the topic, in the process that gets a wake."""
    app = Celery("smshub", broker=_broker(url), set_as_current=False, fixups=[])
    app.conf.update(
        task_serializer="json",
        accept_content=["json"],
        result_backend=None,
        task_ignore_result=True,
        task_acks_late=True,
        task_reject_on_worker_lost=True,
        worker_prefetch_multiplier=1,
        task_queues=_queues(),
        task_default_queue=queue_of("jobs"),
        task_create_missing_queues=False,
        broker_connection_retry=True,
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
        broker_connection_timeout=CONNECT_S,
        # Who publishes tries once, and again later by itself; who consumes tries for ever, as said above.
        broker_transport_options={
            "socket_connect_timeout": CONNECT_S,
            "socket_timeout": ANSWER_S,
            "socket_keepalive": True,
            "max_retries": 1,
            "interval_start": 0,
            "interval_step": 0.1,
            "interval_max": 0.1,
        },
        worker_cancel_long_running_tasks_on_connection_loss=True,
        worker_enable_remote_control=False,  # the command line of the hub is the way in
        worker_send_task_events=False,
        worker_hijack_root_logger=False,
        broker_heartbeat=0,
    )

    def wake(topic: str) -> None:
        if woken is not None:
            woken(topic)

    app.task(wake, name=TASK, shared=False)  # the one of this application: another in this process has its own
    return app


def publish(app: Celery, topic: str) -> None:
    """Wake everyone, or one, who works on `topic`. Raises what kombu raises when Redis is not there."""
    where: dict[str, Any] = (
        {"exchange": TO_ALL, "exchange_type": "fanout", "routing_key": TO_ALL, "declare": [_exchange()]}
        if topic in EVERYONE
        else {"queue": queue_of(topic), "declare": []}  # straight to the queue: by no table that a wipe could lose
    )
    app.send_task(TASK, args=[topic], retry=False, ignore_result=True, **where)


def client(url: str) -> "redis.Redis":
    """A client of the same Redis, that waits for nothing long."""
    limits: Mapping[str, Any] = {
        "socket_timeout": ANSWER_S,
        "socket_connect_timeout": CONNECT_S,
        "retry": Retry(NoBackoff(), 0),
    }
    parts = urlsplit(url)
    if parts.scheme in ("unix", "redis+socket"):
        query = parse_qs(parts.query)
        base = int((query.get("db") or query.get("virtual_host") or ["0"])[0])
        return redis.Redis(unix_socket_path=parts.path, db=base, password=parts.password, **limits)
    made: redis.Redis = redis.Redis.from_url(url, socket_keepalive=True, **limits)
    return made


def _exchange() -> Exchange:
    return Exchange(TO_ALL, type="fanout")  # type: ignore[no-untyped-call]


def _queues() -> list[Any]:
    queue: Any = Queue  # kombu says no types
    return [*(queue(queue_of(topic)) for topic in ONE), Broadcast(TO_ALL, routing_key=TO_ALL)]  # type: ignore[no-untyped-call]


def _broker(url: str) -> str:
    """As kombu writes it: unix:///path?db=1 is redis+socket:///path?virtual_host=1."""
    if not url.startswith("unix://"):
        return url
    return url.replace("unix://", "redis+socket://", 1).replace("db=", "virtual_host=")
