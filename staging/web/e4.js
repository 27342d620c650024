/**
 * An Empatica E4 export -> a recording. Row 1 of a stream is its start (Unix seconds, UTC), row 2 its rate, then
 * values; IBI.csv has no rate row: its rows are the beat's time and the interval that ends there.
 */
import { inOrder } from "./even.js";
import { Problem } from "./problems.js";
import { isNumber, numbers, openTable } from "./tables.js";

const IBI = "ibi.csv";
const INFO = "info.txt";
const UNIX_S = [1e9, 1e10];
const RATE_HZ = [1e-3, 1e5];
const LONGEST_S = 31 * 86400;
const AS_WRITTEN = "give the file as the device wrote it";

/** Names of the format's files in lower case. @param {object} contract */
export function e4Names(contract) {
  return [...streamNames(contract), INFO];
}

function streamNames(contract) {
  return [...Object.values(contract.e4.streams).map((stream) => stream.file.toLowerCase()), IBI];
}

/**
 * Whether one of the files begins as a stream of the format does.
 *
 * @param {Map<string, {bytes: Uint8Array}>} files by name
 * @param {object} contract
 */
export function isE4(files, contract) {
  return streamNames(contract).some((name) => {
    const bytes = files.get(name)?.bytes;
    if (!bytes?.length) return false;
    const [first, second = ""] = new TextDecoder().decode(bytes.subarray(0, 512)).split(/\r?\n/);
    const [start, word] = first.split(",").map((cell) => cell.trim());
    return isStart(start) && (name === IBI ? word === "IBI" : isNumber(second.split(",")[0].trim()));
  });
}

/**
 * Read an export.
 *
 * @param {Map<string, {path: string, bytes: Uint8Array}>} files by name
 * @param {string} where what the user gave
 * @param {object} contract
 * @param {(step: string) => void} say
 * @returns {import("./recording.js").Recording}
 */
export function readE4(files, where, contract, say) {
  const warnings = [];
  const streams = {};
  for (const [channel, layout] of Object.entries(contract.e4.streams)) {
    const file = files.get(layout.file.toLowerCase());
    if (file && !file.bytes.length) warnings.push(`${layout.file} is empty`);
    if (!file?.bytes.length) continue;
    say(`Reading ${layout.file}`);
    streams[channel] = stream(file, layout);
  }
  const beatsFile = files.get(IBI);
  const beats = beatsFile?.bytes.length ? beatsOf(beatsFile) : null;
  const starts = Object.values(streams).map((each) => each.unixS);
  if (!starts.length && beats) starts.push(beats.unixS);
  if (!starts.length) {
    throw new Problem(where, "none of ACC, BVP, TEMP, HR and IBI.csv has data", "give a session with data");
  }
  const together = beats ? [...starts, beats.unixS] : starts;
  if (Math.max(...together) - Math.min(...together) > LONGEST_S) {
    throw new Problem(where, "its streams start more than a month apart", "give the files of one session");
  }
  const zeroS = Math.min(...starts);
  const info = new TextDecoder().decode(files.get(INFO)?.bytes.subarray(0, 16));
  const isSimulated = info.startsWith(contract.e4.simulated_mark);
  const device = isSimulated ? "Empatica E4 (simulated)" : "Empatica E4";
  if (isSimulated) warnings.push("simulated night: no person slept it, and it says nothing about accuracy");
  const recording = { device, startUnixS: zeroS, offsetMin: null, warnings };
  for (const [channel, { unixS, rateHz, values }] of Object.entries(streams)) {
    const startS = unixS - zeroS;
    if (channel === "hr") {
      recording.hr = { timesS: values.map((_, index) => startS + index / rateHz), values, unit: "bpm" };
    } else {
      const axes = contract.e4.streams[channel].columns;
      recording[channel] = { samples: Float32Array.from(values), axes, rateHz, startS };
    }
  }
  if (beats)
    recording.ibi = inOrder(
      beats.timesS.map((time) => beats.unixS - zeroS + time),
      beats.values,
      "s",
    );
  return recording;
}

function isStart(cell) {
  return isNumber(cell) && Number(cell) >= UNIX_S[0] && Number(cell) < UNIX_S[1];
}

function stream({ path, bytes }, layout) {
  const table = openTable(bytes, path);
  const columns = numbers(
    table,
    Array.from({ length: layout.columns }, (_, column) => column),
  );
  const [unixS, rateHz] = columns[0];
  if (table.header.length || columns[0].length < 2 || !isStart(String(unixS))) {
    throw new Problem(path, "it does not begin with a start in Unix seconds and a rate", AS_WRITTEN);
  }
  if (!(rateHz >= RATE_HZ[0] && rateHz <= RATE_HZ[1])) {
    throw new Problem(path, `a rate of ${rateHz} Hz`, `row 2 must be a rate, as ${layout.rate_hz}`);
  }
  const n = columns[0].length - 2;
  const values = new Float64Array(n * layout.columns);
  columns.forEach((column, axis) => {
    for (let row = 0; row < n; row++) values[row * layout.columns + axis] = column[row + 2] * layout.scale;
  });
  if (layout.channel === "ppg") {
    const pulse = values.findIndex((value) => value !== 0 && !Number.isNaN(value));
    values.fill(NaN, 0, Math.max(pulse, 0)); // the device writes zeros while it starts up
  }
  return { unixS, rateHz, values };
}

function beatsOf({ path, bytes }) {
  const start = openTable(bytes.subarray(0, 512), path).first[0] || "";
  const top = new TextDecoder().decode(bytes.subarray(0, 64)).split(",")[0].trim();
  const unixS = Number(isStart(top) ? top : start);
  if (!isStart(String(unixS))) throw new Problem(path, "it does not begin with a start in Unix seconds", AS_WRITTEN);
  const firstLine = bytes.indexOf(10);
  const body = firstLine < 0 ? new Uint8Array(0) : bytes.subarray(firstLine + 1);
  if (!body.length) return { unixS, timesS: new Float64Array(0), values: new Float64Array(0) };
  const [timesS, values] = numbers({ where: path, bytes: body, begin: 0, line: 2, delimiter: "," }, [0, 1]);
  return { unixS, timesS, values };
}
