// {{name}}: a reducer that works a mission's items one after another.
//
// A reducer is told each event of a mission, reads the board and issues commands. It keeps no state: whatever it needs to know
// later stands on the board. It enforces nothing: the host checks every command, and one that is illegal refuses the whole
// event, so each is issued only where the board shows it to be legal.

import * as board from 'sluice:mission/board@0.1.0';
import * as commands from 'sluice:mission/commands@0.1.0';
import { get } from 'sluice:plugin/settings@0.1.0';

/** What an operator can say; the schema in `manifest.json` describes the same. */
const DEFAULTS = { max_attempts: 3 };

/** The reducer. What it throws refuses the event. */
export const reducer = {
  init() {
    if (board.listReady(1).length === 0) {
      throw new Error('this reducer plans nothing; give the mission a work item that can start');
    }
  },

  onEvent(event) {
    switch (event.kind) {
      case 'mission_started':
      case 'mission_resumed':
        commands.setMissionStatus('running', '{}');
        startNext();
        break;
      case 'mission_paused':
        commands.setMissionStatus('paused', '{}');
        break;
      case 'mission_canceled':
        commands.setMissionStatus('canceled', '{}');
        break;
      case 'run_finished':
      case 'gate_verdict': {
        const item = event.workItem === null ? null : board.getWorkItem(event.workItem);
        if (item !== null) goOn(event, item);
        break;
      }
      case 'timer_fired':
        if (board.getMission().status === 'running') startNext();
        break;
      // Kinds it does not know are none of its business.
    }
  },
};

/** Asked when an operator binds settings, which fit the schema then: it says all there is to say here. */
export const settingsCheck = {
  check() {},
};

/** Decides what follows from a finished run of `item`, or from a verdict on it. */
function goOn(event, item) {
  const data = JSON.parse(event.data);
  if (data.status !== 'succeeded' && data.outcome !== 'pass') {
    againOrFail(event, item, data);
    return;
  }
  const { required_gates: required = [] } = JSON.parse(board.getMission().data);
  const { gates = {} } = JSON.parse(item.data);
  const gate = required.find((name) => gates[name]?.status !== 'passed');
  if (gate !== undefined) {
    const stage = gate === 'review' ? 'review' : 'test';
    if (item.status !== stage) commands.setWorkItemStatus(item.id, stage, null);
    commands.requestGate(item.id, gate);
    return;
  }
  commands.setWorkItemStatus(item.id, 'done', null);
  // The board shows the item as it was before this call's commands.
  const isLast = board
    .countByStatus()
    .every(({ status, count }) => status === 'done' || count === (status === item.status ? 1 : 0));
  if (isLast) {
    commands.setMissionStatus('succeeded', JSON.stringify({ phase: 'summarizing' }));
  } else {
    lookAgain(event);
  }
}

/** Has the item worked again while it has attempts left. */
function againOrFail(event, item, data) {
  const { max_attempts: most } = { ...DEFAULTS, ...JSON.parse(get()) };
  const why = typeof data.summary === 'string' ? data.summary : 'it did not succeed';
  if (item.attempts >= most) {
    const reason = `work item ${item.id} was worked ${item.attempts} times: ${why}`;
    commands.setMissionStatus('failed', JSON.stringify({ reason }));
    return;
  }
  commands.setWorkItemStatus(item.id, 'rework', why);
  lookAgain(event);
}

/** Has itself called on the board as it will be after this call's commands. */
function lookAgain(event) {
  commands.scheduleTimer('next', event.occurredAt, '{}');
}

/** Starts what is to be worked again, else the next item, unless one is being worked or judged. */
function startNext() {
  const busy = ['in-progress', 'review', 'test'];
  if (board.countByStatus().some(({ status, count }) => count > 0 && busy.includes(status))) return;
  const [id] = [...board.listByStatus('rework', null, 1), ...board.listReady(1)];
  if (id === undefined) return;
  const { title = '' } = JSON.parse(board.getWorkItem(id)?.data ?? '{}');
  commands.startRun(id, JSON.stringify({ prompt: title }));
}
