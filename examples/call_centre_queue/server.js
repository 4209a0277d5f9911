// A call centre, on Express and the official Node package. It does what app.py does, word for word.
import express from "express";
import Telnyx from "telnyx";

const {
  CALLER = "john1234",
  AGENTS = "sip:jane5678@sip.telnyx.com",
  LINE = "+12025550101",
  MAX_WAIT = "600",
  PORT = "8080",
  OFFHOOK_CONNECTION_ID,
} = process.env;
const QUEUE = "support";

const api = new Telnyx(); // TELNYX_API_KEY, TELNYX_BASE_URL and TELNYX_PUBLIC_KEY: `offhook env` prints them
const calls = api.calls.actions;

// Who is free, whose phone rings or is in a call (by its leg), and who did not answer.
const free = AGENTS.split(",");
const ringing = new Map();
const talking = new Map();
const away = [];

// What becomes of the call.
async function react({ id, event_type: type, payload: call }) {
  const leg = call.call_control_id;
  if (type === "call.initiated" && call.state === "parked") {
    await calls.answer(leg, { command_id: id });
  } else if (type === "call.answered" && ringing.has(leg)) {
    await answered(leg);
  } else if (type === "call.answered") {
    await calls.enqueue(leg, { queue_name: QUEUE, max_wait_time_secs: Number(MAX_WAIT), command_id: id });
  } else if (type === "call.enqueued") {
    free.push(...away.splice(0)); // who did not answer has another chance
    await ring();
  } else if (type === "call.dequeued" && call.reason === "timeout") {
    await calls.speak(leg, { payload: "We are sorry: nobody can take your call.", voice: "female", command_id: id });
  } else if (type === "call.speak.ended") {
    await hangUp(leg);
  } else if (type === "call.hangup" && (ringing.has(leg) || talking.has(leg))) {
    gone(leg);
    await ring();
  }
}

// Let a phone ring for everybody who waits, as far as agents are free.
async function ring() {
  while (free.length > 0 && ringing.size < (await waiting())) {
    const agent = free.shift();
    const dialled = await api.calls.dial({ connection_id: OFFHOOK_CONNECTION_ID, to: agent, from: LINE });
    ringing.set(dialled.data.call_control_id, agent);
  }
}

// Give the one who has waited longest to an agent; nobody may be there any more.
async function answered(leg) {
  talking.set(leg, ringing.get(leg));
  ringing.delete(leg);
  try {
    await calls.bridge(leg, { call_control_id_to_bridge_with: "", queue: QUEUE });
  } catch (error) {
    if (!(error instanceof Telnyx.UnprocessableEntityError)) throw error;
    await hangUp(leg);
  }
}

// An agent is free again, or, having not answered, away until the next caller comes.
function gone(leg) {
  if (talking.has(leg)) free.push(talking.get(leg));
  else away.push(ringing.get(leg));
  talking.delete(leg);
  ringing.delete(leg);
}

// How many callers wait. A queue that was not made by hand goes with its last call.
async function waiting() {
  try {
    return (await api.queues.retrieve(QUEUE)).data.current_size;
  } catch (error) {
    if (!(error instanceof Telnyx.NotFoundError)) throw error;
    return 0;
  }
}

// End a leg. That it has ended already is no error.
async function hangUp(leg) {
  try {
    await calls.hangup(leg, {});
  } catch (error) {
    if (!(error instanceof Telnyx.UnprocessableEntityError)) throw error;
  }
}

// ---- the door ------------------------------------------------------------------------------------------------

// Let what CALLER dials be parked. Done once for a connection; doing it again changes nothing.
for await (const connection of api.credentialConnections.list()) {
  if (connection.user_name === CALLER) {
    await api.credentialConnections.update(connection.id, { outbound: { call_parking_enabled: true } });
  }
}

const app = express();
let turn = Promise.resolve(); // one webhook after the other, so that no two of them ring the same agent

// The body as it came: the signature is over these very bytes.
app.post("/hook", express.text({ type: "*/*" }), async (request, response) => {
  let event;
  try {
    ({ data: event } = await api.webhooks.unwrap(request.body, { headers: request.headers }));
  } catch {
    return response.sendStatus(400); // not from the platform, altered, or older than five minutes
  }
  console.log(event.event_type, event.payload.call_leg_id);
  const done = turn.then(() => react(event));
  turn = done.catch(() => {});
  try {
    await done;
  } catch (error) {
    if (!(error instanceof Telnyx.UnprocessableEntityError)) throw error; // else the call has ended meanwhile
  }
  response.sendStatus(204); // only now: had this failed, the event would come again
});

app.listen(Number(PORT), "127.0.0.1", () => console.error(`running on http://127.0.0.1:${PORT}`));
