// A page around the unmodified SIP phone: it does what the test says and remembers what the phone told it.
"use strict";

const phone = {
  agent: null,
  calls: [],
  seen: [], // {what, ...} for every event

  note(what, details = {}) {
    this.seen.push({ what, ...details });
  },

  start(options) {
    const socket = new window.JsSIP.WebSocketInterface(options.url);
    this.agent = new window.JsSIP.UA({ sockets: [socket], uri: options.uri, password: options.password });
    for (const name of ["connected", "disconnected", "registered", "unregistered"]) this.agent.on(name, () => this.note(name));
    this.agent.on("registrationFailed", (e) => this.note("refused", { cause: e.cause }));
    this.agent.on("newRTCSession", ({ session }) => this.came(session));
    this.agent.start();
  },

  came(session) {
    const call = this.calls.push(session) - 1;
    this.note("call", { call, direction: session.direction, from: session.remote_identity.uri.user });
    for (const name of ["progress", "accepted", "confirmed", "hold", "unhold"]) {
      session.on(name, (e) => this.note(name, { call, by: e?.originator ?? null }));
    }
    session.on("ended", (e) => this.note("ended", { call, by: e.originator, cause: e.cause }));
    session.on("failed", (e) => this.note("failed", { call, by: e.originator, cause: e.cause, status: e.message?.status_code ?? null }));
    session.on("newDTMF", (e) => this.note("digit", { call, digit: e.dtmf.tone, by: e.originator }));
  },

  options: { mediaConstraints: { audio: true, video: false }, pcConfig: { iceServers: [] } },

  dial(target) {
    this.agent.call(target, this.options);
    return this.calls.length - 1;
  },

  answer(call) {
    this.calls[call].answer(this.options);
  },

  // Hold or unhold: true once the far end has agreed.
  async turned(call, method) {
    return await new Promise((done) => this.calls[call][method]({}, () => done(true)) || done(false));
  },

  // What the far end's audio holds now: the strongest frequency and the level over `ms`.
  async hear(call, ms) {
    const [receiver] = this.calls[call].connection.getReceivers();
    const stream = new MediaStream([receiver.track]);
    document.getElementById("remote").srcObject = stream; // Chromium decodes only what somebody plays
    const context = new AudioContext({ sampleRate: 48000 });
    await context.resume();
    const analyser = new AnalyserNode(context, { fftSize: 16384, smoothingTimeConstant: 0 });
    context.createMediaStreamSource(stream).connect(analyser);
    const spectrum = new Float32Array(analyser.frequencyBinCount);
    const power = new Float64Array(analyser.frequencyBinCount);
    const until = performance.now() + ms;
    await new Promise((done) => setTimeout(done, 400)); // the analyser's window fills first
    do {
      analyser.getFloatFrequencyData(spectrum);
      spectrum.forEach((db, bin) => { power[bin] += Number.isFinite(db) ? 10 ** (db / 10) : 0; });
      await new Promise((done) => setTimeout(done, 100));
    } while (performance.now() < until);
    await context.close();
    const strongest = power.reduce((best, value, bin) => (value > power[best] ? bin : best), 1);
    const total = power.reduce((sum, value) => sum + value, 0);
    const near = power.slice(Math.max(0, strongest - 3), strongest + 4).reduce((sum, value) => sum + value, 0);
    return { hz: (strongest * context.sampleRate) / analyser.fftSize, share: total > 0 ? near / total : 0 };
  },
};
window.phone = phone;
