// A voice agent, on Express and the official Node package. It does what app.py does, word for word.
import { createServer } from "node:http";
import express from "express";
import Telnyx from "telnyx";
import { WebSocketServer } from "ws";
import { Parrot } from "./parrot.js";

const { CALLER = "john1234", PORT = "8080", AGENT_URL = `ws://127.0.0.1:${PORT}/agent` } = process.env;

const api = new Telnyx(); // TELNYX_API_KEY, TELNYX_BASE_URL and TELNYX_PUBLIC_KEY: `offhook env` prints them

// Take every call, and let it be streamed both ways from its answer on.
async function react({ id, event_type: type, payload: call }) {
  if (type === "call.initiated" && call.state === "parked") {
    await api.calls.actions.answer(call.call_control_id, {
      command_id: id,
      stream_url: AGENT_URL,
      stream_bidirectional_mode: "rtp",
      stream_bidirectional_codec: "PCMU",
    });
  }
}

// One call's stream, and the parrot at its end.
class Conversation {
  #parrot = new Parrot();
  #websocket;
  #leg = "";

  constructor(websocket) {
    this.#websocket = websocket;
  }

  // One frame of the platform's.
  async take(frame) {
    if (frame.event === "start") {
      this.#leg = frame.start.call_control_id;
      this.#say(this.#parrot.greet());
    } else if (frame.event === "media") {
      for (const said of this.#parrot.hear(Buffer.from(frame.media.payload, "base64"))) {
        if (said === "hush") this.#send({ event: "clear" });
        else this.#say(said);
      }
    } else if (frame.event === "mark") {
      this.#parrot.finished();
    } else if (frame.event === "dtmf" && frame.dtmf.digit === "#") {
      await api.calls.actions.hangup(this.#leg, {});
    }
  }

  // Send audio; the mark after it comes back when it has been heard.
  #say(audio) {
    this.#send({ event: "media", media: { payload: audio.toString("base64") } });
    this.#send({ event: "mark", mark: { name: "said" } });
  }

  #send(frame) {
    this.#websocket.send(JSON.stringify(frame));
  }
}

// ---- the doors -----------------------------------------------------------------------------------------------

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

const server = createServer(app);
new WebSocketServer({ server, path: "/agent" }).on("connection", (websocket) => {
  const conversation = new Conversation(websocket);
  websocket.on("message", (text) => conversation.take(JSON.parse(text)).catch(console.error));
});
server.listen(Number(PORT), "127.0.0.1", () => console.error(`running on http://127.0.0.1:${PORT}`));
