// Stage raw samples with onnxruntime-web (WebAssembly, one thread), and compare with the golden cases.
//
//   npm install            in this folder
//   node stage.mjs ../../../staging/weights/staging_raw.onnx ../../../tests/golden/raw_*.json
//
// Add --hours 8 to time a night of so many hours instead: the samples of the first case, over and over.

import { readFile } from "node:fs/promises";
import { basename } from "node:path";
import * as ort from "onnxruntime-web/wasm";

const NAMES = ["W", "N1", "N2", "N3", "R"];
const EPOCH = { acc: [960, 3], ppg: [1920], temp: [120], heart_rate: [6], counts: [2], present: [5] };

function decoded(entry) {
  const bytes = Buffer.from(entry.base64, "base64");
  return new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
}

function feeds(inputs, epochs) {
  const feed = {};
  for (const [name, shape] of Object.entries(EPOCH)) {
    const values = new Float32Array(shape.reduce((a, b) => a * b, epochs));
    if (inputs[name]) {
      const given = decoded(inputs[name]);
      for (let at = 0; at < values.length; at += given.length) {
        values.set(given.subarray(0, Math.min(given.length, values.length - at)), at);
      }
    }
    feed[name] = new ort.Tensor("float32", values, [epochs, ...shape]);
  }
  return feed;
}

function largest(found, expected) {
  return found.reduce((most, value, at) => Math.max(most, Math.abs(value - expected[at])), 0);
}

const words = process.argv.slice(2);
const asked = words.indexOf("--hours");
const hours = asked < 0 ? 0 : Number(words.splice(asked, 2)[1]);
const [model, ...paths] = words;
ort.env.wasm.numThreads = 1;
const session = await ort.InferenceSession.create(await readFile(model));
let wrong = 0;
for (const path of hours ? paths.slice(0, 1) : paths) {
  const example = JSON.parse(await readFile(path, "utf-8"));
  if (hours) {
    const night = feeds(example.inputs, hours * 120);
    await session.run(night);
    const begin = performance.now();
    await session.run(night);
    console.log(`${hours} h: ${((performance.now() - begin) / 1000).toFixed(2)} s`);
    continue;
  }
  const { probabilities, quality, stages } = await session.run(feeds(example.inputs, example.epochs));
  const apart = Math.max(
    largest(probabilities.data, decoded(example.outputs.probabilities)),
    largest(quality.data, decoded(example.outputs.quality)),
  );
  const found = Array.from(stages.data, Number);
  const right = apart <= 1e-3 && found.every((stage, at) => stage === example.outputs.stages[at]);
  wrong += right ? 0 : 1;
  const said = found.slice(-8).map((stage) => NAMES[stage] ?? "-").join(" ");
  console.log(`${basename(path)}: ${right ? "right" : "WRONG"}, values within ${apart.toPrecision(1)}; it ends with ${said}`);
}
process.exit(wrong);
