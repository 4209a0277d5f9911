// Calls from outside, on Express and the official Node package. It does what app.py does, word for word.
import express from "express";
import Telnyx from "telnyx";

const {
  LINE = "+12025550103",
  AGENT = "sip:jane5678@sip.telnyx.com",
  MUSIC = "",
  PORT = "8080",
  OFFHOOK_CONNECTION_ID,
} = process.env;
const MENU = "Welcome. For a person, press one. For the conference room, press two.";

const api = new Telnyx(); // TELNYX_API_KEY, TELNYX_BASE_URL and TELNYX_PUBLIC_KEY: `offhook env` prints them
const calls = api.calls.actions;

// Whom an agent's leg rings for: the caller's leg, and the conference where it waits, if that is not the queue.
const ringing = new Map();

// What becomes of the call: one command, or two, for each event that matters.
async function react({ id, event_type: type, payload: call }) {
  const leg = call.call_control_id; // some events of a conference are about no call
  if (type === "call.initiated" && call.state === "parked") {
    await calls.answer(leg, { record: "record-from-answer", record_channels: "dual", command_id: id });
  } else if (type === "call.answered" && ringing.has(leg)) {
    const caller = ringing.get(leg);
    ringing.delete(leg);
    await meet(leg, caller, id);
  } else if (type === "call.answered") {
    const prompt = { payload: MENU, voice: "female", maximum_digits: 1, valid_digits: "12" };
    await calls.gatherUsingSpeak(leg, { ...prompt, command_id: id });
  } else if (type === "call.gather.ended" && call.status === "valid") {
    await letWait(leg, call.digits, id);
  } else if (type === "call.gather.ended") {
    await hangUp(leg);
  } else if (type === "call.enqueued" && MUSIC) {
    await calls.startPlayback(leg, { audio_url: MUSIC, loop: "infinity", command_id: id });
  } else if (type === "call.dequeued" && MUSIC) {
    await calls.stopPlayback(leg, { stop: "all", command_id: id });
  } else if (type === "call.speak.ended") {
    await hangUp(leg);
  } else if (type === "call.hangup") {
    await gone(leg);
  }
}

// Put the caller where the key says, and let the agent's phone ring.
async function letWait(caller, digit, command) {
  let room = "";
  if (digit === "1") {
    await calls.enqueue(caller, { queue_name: "support" });
  } else {
    const waiting = { start_conference_on_create: false, ...(MUSIC && { hold_audio_url: MUSIC }) };
    const made = await api.conferences.create({ call_control_id: caller, name: command, ...waiting });
    room = made.data.id;
  }
  const dialled = await api.calls.dial({
    connection_id: OFFHOOK_CONNECTION_ID,
    to: AGENT,
    from: LINE,
    link_to: caller, // one session: one trace, and webhooks that come in order
    command_id: command,
  });
  ringing.set(dialled.data.call_control_id, { leg: caller, room });
}

// From now on they hear each other; where the caller has just hung up, there is nobody to meet.
async function meet(agent, caller, command) {
  try {
    if (caller.room) {
      await api.conferences.actions.join(caller.room, {
        call_control_id: agent,
        start_conference_on_enter: true,
        end_conference_on_exit: true,
        command_id: command,
      });
    } else {
      await calls.bridge(agent, { call_control_id_to_bridge_with: caller.leg, command_id: command });
    }
  } catch (error) {
    if (!(error instanceof Telnyx.UnprocessableEntityError)) throw error;
    await hangUp(agent);
  }
}

// A caller who hangs up lets no phone ring; one whose agent did not answer is told so.
async function gone(leg) {
  for (const [agent, caller] of ringing) if (caller.leg === leg) await hangUp(agent);
  const caller = ringing.get(leg);
  if (!ringing.delete(leg)) return;
  try {
    await calls.speak(caller.leg, { payload: "We are sorry: nobody is there.", voice: "female" });
  } catch (error) {
    if (!(error instanceof Telnyx.UnprocessableEntityError)) throw error; // it is the caller who has hung up
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

// Let the calls to LINE come here. Done once for a number; doing it again changes nothing.
for await (const number of api.phoneNumbers.list()) {
  if (number.phone_number === LINE) await api.phoneNumbers.update(number.id, { connection_id: OFFHOOK_CONNECTION_ID });
}

const app = express();
let turn = Promise.resolve(); // one webhook after the other: whoever answers at once is known by then

// The body as it came: the signature is over these very bytes.
app.post("/hook", express.text({ type: "*/*" }), async (request, response) => {
  let event;
  try {
    ({ data: event } = await api.webhooks.unwrap(request.body, { headers: request.headers }));
  } catch {
    return response.sendStatus(400); // not from the platform, altered, or older than five minutes
  }
  console.log(event.event_type, event.payload.call_leg_id ?? "");
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
