// A page around the unmodified SDK: it does what the test says and remembers what the SDK told it.
"use strict";

const phone = {
  client: null,
  calls: [], // in the order in which the SDK first told of them
  seen: [], // {at, what, ...} for every SDK event

  note(what, details = {}) {
    this.seen.push({ at: performance.now(), what, ...details });
  },

  start(options) {
    const { TelnyxRTC } = window.TelnyxWebRTC;
    this.client = new TelnyxRTC(options);
    this.client.remoteElement = "remote";
    const told = {
      "telnyx.ready": () => this.note("ready"),
      "telnyx.socket.open": () => this.note("open"),
      "telnyx.socket.close": (e) => this.note("close", { code: e?.code ?? null }),
      "telnyx.error": (e) => this.note("error", { code: e?.error?.code ?? null }),
      "telnyx.warning": (e) => this.note("warning", { code: e?.warning?.code ?? null }),
      "telnyx.notification": (n) => this.notified(n),
    };
    for (const [name, handler] of Object.entries(told)) this.client.on(name, handler);
    this.client.connect();
  },

  notified(notification) {
    if (notification.type !== "callUpdate") {
      this.note("notification", { type: notification.type });
      return;
    }
    const call = notification.call;
    let index = this.calls.findIndex((known) => known.id === call.id);
    if (index < 0) index = this.calls.push(call) - 1;
    this.calls[index] = call;
    this.note("call", {
      call: index, state: call.state, direction: call.direction,
      cause: call.cause ?? null, causeCode: call.causeCode ?? null, sipCode: call.sipCode ?? null,
      ids: { ...call.telnyxIDs }, headers: call.options.customHeaders ?? [],
      caller: [call.options.remoteCallerName ?? null, call.options.remoteCallerNumber ?? null],
    });
  },

  dial(options) {
    const call = this.client.newCall(options);
    const index = this.calls.findIndex((known) => known.id === call.id);
    return index < 0 ? this.calls.push(call) - 1 : index;
  },

  withoutUdp() {
    const set = RTCPeerConnection.prototype.setRemoteDescription;
    RTCPeerConnection.prototype.setRemoteDescription = function (description) {
      const sdp = description.sdp.replace(/^a=candidate:\S+ \d+ udp .*\r\n/gim, "");
      return set.call(this, { type: description.type, sdp });
    };
  },

  states(index) {
    return this.seen.filter((e) => e.what === "call" && e.call === index).map((e) => e.state);
  },

  // What the far end's audio holds now: the strongest frequency and the level over `ms`.
  async hear(index, ms) {
    const stream = this.calls[index].remoteStream;
    const context = new AudioContext({ sampleRate: 48000 });
    await context.resume();
    const analyser = new AnalyserNode(context, { fftSize: 16384, smoothingTimeConstant: 0 });
    context.createMediaStreamSource(stream).connect(analyser);
    const power = new Float64Array(analyser.frequencyBinCount);
    const spectrum = new Float32Array(analyser.frequencyBinCount);
    const wave = new Float32Array(analyser.fftSize);
    let energy = 0, rounds = 0;
    const until = performance.now() + ms;
    await new Promise((done) => setTimeout(done, 400)); // the analyser's window fills first
    while (performance.now() < until || rounds === 0) {
      analyser.getFloatFrequencyData(spectrum);
      analyser.getFloatTimeDomainData(wave);
      spectrum.forEach((db, bin) => { power[bin] += Number.isFinite(db) ? 10 ** (db / 10) : 0; });
      energy += wave.reduce((sum, x) => sum + x * x, 0) / wave.length;
      rounds += 1;
      await new Promise((done) => setTimeout(done, 100));
    }
    await context.close();
    const strongest = power.reduce((best, value, bin) => (value > power[best] ? bin : best), 1);
    const total = power.reduce((sum, value) => sum + value, 0);
    const near = power.slice(Math.max(0, strongest - 3), strongest + 4).reduce((sum, value) => sum + value, 0);
    return {
      hz: (strongest * context.sampleRate) / analyser.fftSize,
      share: total > 0 ? near / total : 0,
      level: energy > 0 ? 10 * Math.log10(energy / rounds) : -127,
    };
  },

  async stats(index) {
    const report = await this.calls[index].peer.instance.getStats();
    const rows = [...report.values()];
    const inbound = rows.find((row) => row.type === "inbound-rtp") ?? {};
    const pair = rows.find((row) => row.type === "candidate-pair" && row.nominated) ?? {};
    const codec = rows.find((row) => row.id === inbound.codecId) ?? {};
    const local = rows.find((row) => row.id === pair.localCandidateId) ?? {};
    return {
      packets: inbound.packetsReceived ?? 0, codec: codec.mimeType ?? null, pair: pair.id ?? null,
      protocol: local.protocol ?? null,
    };
  },
};
window.phone = phone;
