from dataclasses import replace
from math import inf
from pathlib import Path

from core import Database, Runtime, beats
from hub import health
from tests.support.scripted import PLAIN, Scripted
from tests.support.world import ManualClock, runtime_on


def heard(runtime: Runtime, role: str) -> None:
    with runtime.begin() as tx:
        beats.beat(tx, f"{role}:1", role)


def test_a_hub_whose_worker_beats_is_well(runtime: Runtime, clock: ManualClock) -> None:
    heard(runtime, "worker")
    found = health.look(runtime)
    assert (found.status, found.body()["status"], found.reasons) == (200, "ok", ())
    assert found.body()["workers"] == {"worker": "2026-09-21T14:13:20.000Z"}


def test_a_hub_without_a_worker_says_so(runtime: Runtime) -> None:
    found = health.look(runtime)
    assert found.status == 503
    assert "No worker" in found.reasons[0]


def test_a_worker_that_fell_silent_is_missed_and_one_that_comes_back_is_not(
    runtime: Runtime, clock: ManualClock
) -> None:
    heard(runtime, "worker")
    clock.forward(seconds=31)
    assert health.look(runtime).reasons == (
        "No worker has been heard of for 31 s: start one (smshub worker, or smshub serve).",
    )
    heard(runtime, "worker")
    assert health.look(runtime).status == 200


def test_a_role_that_nothing_needs_may_be_stopped(runtime: Runtime, clock: ManualClock) -> None:
    heard(runtime, "listen")
    clock.forward(seconds=31)
    heard(runtime, "worker")
    found = health.look(runtime)
    assert (found.status, found.reasons) == (200, ()), "whoever sends requests by /healthz goes on"
    assert found.degraded == ("No listen has been heard of for 31 s; nothing needs it.",)


def test_further_checks_have_their_say(runtime: Runtime, clock: ManualClock) -> None:
    heard(runtime, "worker")
    assert health.look(runtime, [lambda _: ["Redis is full."]]).reasons == ("Redis is full.",)


def test_without_a_database_it_answers_all_the_same(tmp_path: Path) -> None:
    empty = Database(f"sqlite:///{tmp_path / 'empty.db'}")
    found = health.look(runtime_on(empty))
    empty.close()
    assert (found.status, found.database) == (503, "unreachable")


def test_processes_that_went_long_ago_are_forgotten(runtime: Runtime, clock: ManualClock) -> None:
    heard(runtime, "listen")
    clock.forward(days=1, ms=1)
    heard(runtime, "worker")
    assert set(health.look(runtime).workers) == {"worker"}


def test_what_only_slows_it_is_told_and_does_not_fail_it(runtime: Runtime, clock: ManualClock) -> None:
    heard(runtime, "worker")
    found = health.look(runtime, [lambda _: [health.Degraded("Redis is away.")]])
    assert (found.status, found.body()["status"], found.body()["reasons"]) == (200, "degraded", ["Redis is away."])


def on_connections(runtime: Runtime) -> Runtime:
    carrier = Scripted("smsc", replace(PLAIN, connected=True))
    return runtime.as_of(carriers={"smsc": carrier, "other": Scripted("other")})


def test_a_carrier_on_connections_needs_a_listen_process_and_serve_is_one_by_itself(
    runtime: Runtime, clock: ManualClock
) -> None:
    held = on_connections(runtime)
    heard(held, "worker")
    if runtime.database.dialect == "sqlite":
        assert health.look(held).status == 200
        return
    [reason] = health.look(held).reasons
    assert reason.startswith("No listen has been heard of: nothing is sent through smsc and no receipt or reply")
    assert "smshub listen" in reason
    assert health.look(runtime).status == 200
    heard(held, "listen")
    assert health.look(held).status == 200
    clock.forward(seconds=31)
    heard(held, "worker")
    [reason] = health.look(held).reasons
    assert reason.startswith("No listen has been heard of for 31 s: nothing is sent through smsc")


def test_the_metrics_tell_how_long_each_needed_role_was_not_heard_of(runtime: Runtime, clock: ManualClock) -> None:
    held = on_connections(runtime)
    heard(held, "worker")
    clock.forward(seconds=31)
    gauge = health.heard_ago(held)
    with held.read() as tx:
        never = {} if runtime.database.dialect == "sqlite" else {"listen": inf}
        assert gauge.read(tx) == {"worker": 31.0} | never


def test_what_of_connectors_listens_needs_a_listen_process_too(runtime: Runtime, clock: ManualClock) -> None:
    heard(runtime, "worker")
    found = health.look(runtime, ears=lambda: ["mail2sms-smtp"])
    if runtime.database.dialect == "sqlite":
        assert found.status == 200
        return
    [reason] = found.reasons
    assert reason.startswith("No listen has been heard of: nobody listens for mail2sms-smtp; start one (smshub listen")
    heard(runtime, "listen")
    assert health.look(runtime, ears=lambda: ["mail2sms-smtp"]).status == 200
