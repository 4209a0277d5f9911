// Loads the modules of a package as Node does, one request each: the package is tested as the registry has it.
"use strict";

const loaded = new Map();
const MAINS = { debug: "debug/src/browser.js", ms: "ms/index.js", events: "events/events.js", "sdp-transform": "sdp-transform/lib/index.js" };

function fetched(path) {
  const request = new XMLHttpRequest();
  request.open("GET", `/modules/${path}`, false);
  request.send();
  return request.status === 200 ? request.responseText : null;
}

function load(path) {
  if (loaded.has(path)) return loaded.get(path).exports;
  const text = fetched(path);
  if (text === null) throw new Error(`no module ${path}`);
  const module = { exports: {} };
  loaded.set(path, module);
  if (path.endsWith(".json")) {
    module.exports = JSON.parse(text);
    return module.exports;
  }
  const folder = path.slice(0, path.lastIndexOf("/"));
  const run = new Function("require", "module", "exports", "process", text);
  run((name) => load(resolved(folder, name)), module, module.exports, { env: {} });
  return module.exports;
}

function resolved(folder, name) {
  if (!name.startsWith(".")) return MAINS[name];
  const url = new URL(name, `http://here/${folder}/`).pathname.slice(1);
  return /\.(js|json)$/.test(url) ? url : `${url}.js`;
}

window.JsSIP = load("jssip/lib-es5/JsSIP.js");
