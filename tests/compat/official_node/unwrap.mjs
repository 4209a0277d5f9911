// Verifies webhooks as an app on the official Node package does. Standard input: [{body, headers}]; arguments: the
// folder of the package and the public key. Standard output: the type of each, or the name of the error.
import { pathToFileURL } from "node:url";

const [packages, publicKey] = process.argv.slice(2);
const { default: Telnyx } = await import(pathToFileURL(`${packages}/telnyx/index.mjs`));
const client = new Telnyx({ apiKey: "none", publicKey });

let input = "";
for await (const chunk of process.stdin) input += chunk;
const results = [];
for (const { body, headers } of JSON.parse(input)) {
  try {
    results.push((await client.webhooks.unwrap(body, { headers })).data.event_type);
  } catch (error) {
    results.push(error.constructor.name);
  }
}
console.log(JSON.stringify(results));
