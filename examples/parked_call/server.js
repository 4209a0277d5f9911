// The backend of a parked call, on the official Node package. It does what app.py does, word for word.
import express from "express";
import Telnyx from "telnyx";

const { CALLER = "john1234", AGENT = "sip:jane5678@sip.telnyx.com", PORT = "8080", OFFHOOK_CONNECTION_ID } = process.env;

const api = new Telnyx(); // TELNYX_API_KEY, TELNYX_BASE_URL and TELNYX_PUBLIC_KEY: `offhook env` prints them
const calls = api.calls.actions;

// What becomes of the call: one command, or two, for each event that matters.
async function react({ id, event_type: type, payload: call }) {
  const leg = call.call_control_id;
  const other = Buffer.from(call.client_state ?? "", "base64").toString();
  if (type === "call.initiated" && call.state === "parked") await calls.answer(leg, { command_id: id });
  if (type === "call.answered" && !other) await ringAgent(leg, call.from, id);
  if (type === "call.answered" && other) await meet(leg, other, id);
  if (type === "call.hangup" && other) await hangUp(other, id);
}

// Dial the second leg, and let the first one know of it.
async function ringAgent(caller, number, command) {
  const dialled = await api.calls.dial({
    connection_id: OFFHOOK_CONNECTION_ID,
    to: AGENT,
    from: number,
    link_to: caller, // one session: one trace, and webhooks that come in order
    client_state: state(caller),
    command_id: command,
  });
  const agent = dialled.data.call_control_id;
  try {
    await calls.updateClientState(caller, { client_state: state(agent) });
  } catch (error) {
    if (!(error instanceof Telnyx.UnprocessableEntityError)) throw error;
    await hangUp(agent, command); // the caller has just hung up
  }
}

// From now on they hear each other; where the caller has just hung up, there is nobody to meet.
async function meet(agent, caller, command) {
  try {
    await calls.bridge(caller, { call_control_id_to_bridge_with: agent, command_id: command });
  } catch (error) {
    if (!(error instanceof Telnyx.UnprocessableEntityError)) throw error;
    await hangUp(agent, command);
  }
}

// End a leg. That it has ended already is no error: a bridge takes both with it.
async function hangUp(leg, command) {
  try {
    await calls.hangup(leg, { command_id: command });
  } catch (error) {
    if (!(error instanceof Telnyx.UnprocessableEntityError)) throw error;
  }
}

const state = (leg) => Buffer.from(leg).toString("base64");

// ---- the door ------------------------------------------------------------------------------------------------

// Let what CALLER dials be parked. Done once for a connection; doing it again changes nothing.
for await (const connection of api.credentialConnections.list()) {
  if (connection.user_name === CALLER) {
    await api.credentialConnections.update(connection.id, { outbound: { call_parking_enabled: true } });
  }
}

const app = express();

// The body as it came: the signature is over these very bytes.
app.post("/hook", express.text({ type: "*/*" }), async (request, response) => {
  let event;
  try {
    ({ data: event } = await api.webhooks.unwrap(request.body, { headers: request.headers }));
  } catch {
    return response.sendStatus(400); // not from the platform, altered, or older than five minutes
  }
  console.log(event.event_type, event.payload.call_leg_id);
  try {
    await react(event);
  } catch (error) {
    if (!(error instanceof Telnyx.UnprocessableEntityError)) throw error; // else the call has ended meanwhile
  }
  response.sendStatus(204); // only now: had this failed, the event would come again
});

app.listen(Number(PORT), "127.0.0.1", () => console.error(`running on http://127.0.0.1:${PORT}`));
