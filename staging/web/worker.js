/** Everything heavy, aside from the page so that it stays alive: unpacking, reading, and the graph in WebAssembly. */
import { isZip, oneFolder, unzip } from "./archive.js";
import { e4Names, isE4, readE4 } from "./e4.js";
import { openGraph } from "./graph.js";
import { inBed, inBedSpan, summarize } from "./metrics.js";
import { isPlain, plainNames, readPlain } from "./plain.js";
import { Problem } from "./problems.js";
import { stage } from "./stager.js";

const SEVERAL_DAYS_H = 18;
const DAY_S = 86400;

let contract;
let opened;

self.onmessage = async ({ data }) => {
  if (data.contract) {
    contract = data.contract;
    opened = openGraph(data.assets, contract); // while the user looks for the file
    opened.catch(() => {}); // told when it is needed
    return;
  }
  try {
    self.postMessage({ night: await staged(data.files) });
  } catch (error) {
    self.postMessage({ problem: error instanceof Problem ? error.message : failure(error) });
  }
};

function failure(error) {
  const reason = error instanceof RangeError ? "this machine's memory does not suffice" : `${error?.message ?? error}`;
  return `The recording could not be staged (${reason}); use the staging program for it.`;
}

function say(step, share) {
  self.postMessage({ step, share });
}

/** @param {File[]} files a zip, or the files of one recording */
async function staged(files) {
  const where = files.length === 1 ? files[0].name : `${files.length} files`;
  const recording = await read(files, where);
  const begun = performance.now();
  say("Loading the model", 0.5);
  const graph = await opened;
  let graphS = 0;
  const run = async (inputs) => {
    const from = performance.now();
    const found = await graph(inputs);
    graphS += (performance.now() - from) / 1000;
    return found;
  };
  const night = await stage(recording, where, contract, run, (step, share) => say(step, 0.6 + 0.4 * share));
  const n = night.stages.length;
  const { lightsOffS, lightsOnS, warnings } = recording;
  const span = spanOf(n, lightsOffS, lightsOnS, where);
  const hours = (n * contract.epoch_s) / 3600;
  if (hours > SEVERAL_DAYS_H) {
    warnings.push(
      `${hours.toFixed(0)} h are staged as one night here; the staging program finds the nights in days of recording`,
    );
  }
  return {
    ...night,
    name: files.length === 1 ? where.replace(/\.\w+$/, "") : "recording",
    device: recording.device,
    startUnixS: recording.startUnixS,
    offsetMin: recording.offsetMin,
    lightsOffS,
    lightsOnS,
    lightsKnown: lightsOffS !== undefined || lightsOnS !== undefined,
    span,
    warnings,
    metrics: summarize(inBed(night.stages, span), contract.epoch_s),
    seconds: { graph: graphS, staging: (performance.now() - begun) / 1000 },
  };
}

function spanOf(n, lightsOffS, lightsOnS, where) {
  const span = inBedSpan(n, lightsOffS, lightsOnS, contract.epoch_s);
  if (span[1] <= span[0])
    throw new Problem(where, "no epoch lies between lights-off and lights-on", "mend both in recording.toml");
  if (Math.max(-span[0], span[1] - n) * contract.epoch_s > DAY_S) {
    throw new Problem(
      where,
      "lights-off or lights-on is more than a day from the recording",
      "mend both in recording.toml",
    );
  }
  return span;
}

async function read(files, where) {
  const wanted = new Set([...e4Names(contract), ...plainNames(contract)]);
  const found = new Map();
  let others = [];
  for (const file of files) {
    say(`Reading ${file.name}`, 0.05);
    const bytes = await bytesOf(file);
    if (!bytes.length && files.length === 1)
      throw new Problem(file.name, "the file is empty", "copy it from the device again");
    if (isZip(bytes)) {
      const unpacked = unzip(bytes, file.name, wanted);
      unpacked.files.forEach((content, path) => found.set(path, content));
      others = others.concat(unpacked.others);
    } else if (wanted.has(file.name.toLowerCase())) found.set(file.name, bytes);
    else others.push(file.name);
  }
  const folder = oneFolder(found, where);
  let share = 0.1;
  const step = (text) => say(text, (share += 0.06));
  if (isE4(folder, contract)) return readE4(folder, where, contract, step);
  if (isPlain(folder, contract)) return readPlain(folder, where, contract, step);
  const listed = [...others.slice(0, 3), ...(others.length > 3 ? ["..."] : [])].join(", ");
  const problem = `it is no recording that this page knows${listed && ` (found ${listed})`}`;
  throw new Problem(
    where,
    problem,
    "give the zip of an Empatica E4 session or of plain tables such as acc.csv and ppg.csv",
  );
}

async function bytesOf(file) {
  try {
    return new Uint8Array(await file.arrayBuffer());
  } catch {
    throw new Problem(file.name, "the file cannot be read", "see that it is still there, and choose it again");
  }
}
