// A meeting room, on Express and the official Node package. It does what app.py does, word for word.
import express from "express";
import Telnyx from "telnyx";

const {
  CALLER = "john1234",
  GUESTS = "sip:jane5678@sip.telnyx.com",
  LINE = "+12025550101",
  PORT = "8080",
  OFFHOOK_CONNECTION_ID,
} = process.env;
const ROOM = "meeting";

const api = new Telnyx(); // TELNYX_API_KEY, TELNYX_BASE_URL and TELNYX_PUBLIC_KEY: `offhook env` prints them
let door = Promise.resolve(); // two who come at once shall not open two rooms

// What becomes of the call.
async function react({ id, event_type: type, payload: call }) {
  const leg = call.call_control_id;
  if (type === "call.initiated" && call.state === "parked") await api.calls.actions.answer(leg, { command_id: id });
  if (type === "call.answered") {
    const entered = door.then(() => enter(leg, id));
    door = entered.catch(() => {});
    await entered;
  }
}

// Join the room if it is open; otherwise open it, and ring the guests.
async function enter(leg, command) {
  for await (const room of api.conferences.list({ filter: { name: ROOM, status: "in_progress" } })) {
    await api.conferences.actions.join(room.id, { call_control_id: leg, command_id: command });
    return;
  }
  await api.conferences.create({ call_control_id: leg, name: ROOM, command_id: command });
  for (const guest of GUESTS.split(",")) {
    await api.calls.dial({ connection_id: OFFHOOK_CONNECTION_ID, to: guest, from: LINE });
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

// The body as it came: the signature is over these very bytes.
app.post("/hook", express.text({ type: "*/*" }), async (request, response) => {
  let event;
  try {
    ({ data: event } = await api.webhooks.unwrap(request.body, { headers: request.headers }));
  } catch {
    return response.sendStatus(400); // not from the platform, altered, or older than five minutes
  }
  console.log(event.event_type, event.payload.call_leg_id ?? "");
  try {
    await react(event);
  } catch (error) {
    if (!(error instanceof Telnyx.UnprocessableEntityError)) throw error; // else the call has ended meanwhile
  }
  response.sendStatus(204); // only now: had this failed, the event would come again
});

app.listen(Number(PORT), "127.0.0.1", () => console.error(`running on http://127.0.0.1:${PORT}`));
