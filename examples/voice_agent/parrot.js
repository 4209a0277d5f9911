// The agent itself: it greets, listens until the caller pauses, and says it all again. It does what parrot.py does.
// It hears and speaks G.711 mu-law at 8 kHz, which is what the telephone network has: one byte a sample.

const RATE = 8000;
const FRAME = RATE / 50; // 20 ms
const LOUD = 500; // of 32,767: between a quiet room and a quiet voice
const PAUSE_FRAMES = 30; // after 600 ms without a word the caller has finished
const CHIME_HZ = [660, 880];

// What it says comes back from its methods: audio to be sent, or "hush" where what is playing shall stop.
export class Parrot {
  #heard = [];
  #quiet = 0;
  #talking = false;

  // Two notes.
  greet() {
    this.#talking = true;
    return Buffer.concat(CHIME_HZ.map((hz) => tone(hz, 0.4)));
  }

  // Some of the caller's audio.
  *hear(audio) {
    for (let start = 0; start < audio.length; start += FRAME) {
      const frame = audio.subarray(start, start + FRAME);
      if (isSpeech(frame)) {
        this.#quiet = 0;
        this.#heard.push(frame);
        if (this.#talking) {
          this.#talking = false;
          yield "hush"; // interrupted: whoever talks is listened to
        }
      } else if (this.#heard.length > 0) {
        this.#heard.push(frame);
        this.#quiet += 1;
        if (this.#quiet === PAUSE_FRAMES) {
          this.#talking = true;
          yield Buffer.concat(this.#heard.splice(0).slice(0, -PAUSE_FRAMES));
        }
      }
    }
  }

  // What it has said was heard to the end.
  finished() {
    this.#talking = false;
  }
}

// Whether there is a voice in it: its mean amplitude is not that of a quiet room.
function isSpeech(frame) {
  return frame.reduce((sum, byte) => sum + AMPLITUDE[byte], 0) > LOUD * frame.length;
}

// A sine, in mu-law.
function tone(hz, seconds) {
  const sample = (_, at) => encode(Math.round(8000 * Math.sin((2 * Math.PI * hz * at) / RATE)));
  return Buffer.from(Array.from({ length: RATE * seconds }, sample));
}

// One sample in mu-law (ITU-T G.711).
function encode(sample) {
  const magnitude = Math.min(Math.abs(sample), 32635) + 132;
  const exponent = 24 - Math.clz32(magnitude);
  const mantissa = (magnitude >> (exponent + 3)) & 0x0f;
  return ~((sample < 0 ? 0x80 : 0) | (exponent << 4) | mantissa) & 0xff;
}

const AMPLITUDE = Array.from({ length: 256 }, (_, byte) => {
  const code = ~byte & 0xff;
  return ((((code & 0x0f) << 3) + 132) << ((code >> 4) & 0x07)) - 132;
});
