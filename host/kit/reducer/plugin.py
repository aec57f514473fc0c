"""{{name}}: a reducer that works a mission's items one after another.

A reducer is told each event of a mission, reads the board and issues commands. It keeps no state: whatever it needs to know
later stands on the board. It enforces nothing: the host checks every command, and one that is illegal refuses the whole event,
so each is issued only where the board shows it to be legal.
"""

import json

from componentize_py_types import Err
from wit_world import exports
from wit_world.imports import board, commands, settings
from wit_world.imports.board import WorkItem
from wit_world.imports.sluice_mission_types import Event, MissionStatus, WorkItemStatus

# What an operator can say; the schema in `manifest.json` describes the same.
DEFAULTS = {"max_attempts": 3}


class Reducer(exports.Reducer):
    """The reducer. An `Err` refuses the event."""

    def init(self) -> None:
        if not board.list_ready(1):
            raise Err("this reducer plans nothing; give the mission a work item that can start")

    def on_event(self, event: Event) -> None:
        match event.kind:
            case "mission_started" | "mission_resumed":
                commands.set_mission_status(MissionStatus.RUNNING, "{}")
                start_next()
            case "mission_paused":
                commands.set_mission_status(MissionStatus.PAUSED, "{}")
            case "mission_canceled":
                commands.set_mission_status(MissionStatus.CANCELED, "{}")
            case "run_finished" | "gate_verdict":
                item = board.get_work_item(event.work_item) if event.work_item is not None else None
                if item is not None:
                    go_on(event, item)
            case "timer_fired" if board.get_mission().status == MissionStatus.RUNNING:
                start_next()
            case _:
                # Kinds it does not know are none of its business.
                pass


class SettingsCheck(exports.SettingsCheck):
    """Asked when an operator binds settings, which fit the schema then: it says all there is to say here."""

    def check(self, settings: str) -> None:
        pass


def go_on(event: Event, item: WorkItem) -> None:
    """Decides what follows from a finished run of `item`, or from a verdict on it."""
    data = json.loads(event.data)
    if data.get("status") != "succeeded" and data.get("outcome") != "pass":
        again_or_fail(event, item, data)
        return
    gates = json.loads(item.data).get("gates", {})
    for gate in json.loads(board.get_mission().data).get("required_gates", []):
        if gates.get(gate, {}).get("status") != "passed":
            stage = WorkItemStatus.REVIEW if gate == "review" else WorkItemStatus.TEST
            if item.status != stage:
                commands.set_work_item_status(item.id, stage, None)
            commands.request_gate(item.id, gate)
            return
    commands.set_work_item_status(item.id, WorkItemStatus.DONE, None)
    # The board shows the item as it was before this call's commands.
    others = (entry for entry in board.count_by_status() if entry.status != WorkItemStatus.DONE)
    if all(entry.count == (entry.status == item.status) for entry in others):
        commands.set_mission_status(MissionStatus.SUCCEEDED, json.dumps({"phase": "summarizing"}))
    else:
        look_again(event)


def again_or_fail(event: Event, item: WorkItem, data: dict) -> None:
    """Has the item worked again while it has attempts left."""
    most = (DEFAULTS | json.loads(settings.get()))["max_attempts"]
    summary = data.get("summary")
    why = summary if isinstance(summary, str) else "it did not succeed"
    if item.attempts >= most:
        reason = f"work item {item.id} was worked {item.attempts} times: {why}"
        commands.set_mission_status(MissionStatus.FAILED, json.dumps({"reason": reason}))
        return
    commands.set_work_item_status(item.id, WorkItemStatus.REWORK, why)
    look_again(event)


def look_again(event: Event) -> None:
    """Has itself called on the board as it will be after this call's commands."""
    commands.schedule_timer("next", event.occurred_at, "{}")


def start_next() -> None:
    """Starts what is to be worked again, else the next item, unless one is being worked or judged."""
    busy = (WorkItemStatus.IN_PROGRESS, WorkItemStatus.REVIEW, WorkItemStatus.TEST)
    if any(entry.count > 0 and entry.status in busy for entry in board.count_by_status()):
        return
    waiting = [*board.list_by_status(WorkItemStatus.REWORK, None, 1), *board.list_ready(1)]
    if not waiting:
        return
    item = board.get_work_item(waiting[0])
    title = json.loads(item.data).get("title", "") if item else ""
    commands.start_run(waiting[0], json.dumps({"prompt": title}))
