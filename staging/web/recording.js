/**
 * One device session in memory: channels on one time axis, seconds from the recording's own zero.
 *
 * @typedef {object} Signal evenly sampled; NaN where the device gave none
 * @property {Float32Array} samples value after value; of acceleration x, y, z, x, y, z
 * @property {number} axes 1, or 3 for acceleration
 * @property {number} rateHz
 * @property {number} startS time of the first sample
 *
 * @typedef {object} Events irregular values
 * @property {Float64Array} timesS increasing
 * @property {Float64Array} values
 * @property {"s" | "bpm" | "counts"} unit
 *
 * @typedef {object} Recording
 * @property {string} device
 * @property {number | null} startUnixS time of second 0; null where no clock is known
 * @property {number | null} offsetMin minutes from UTC of the recorder's clock; null where only UTC is known
 * @property {string[]} warnings
 * @property {Signal} [acc] in g
 * @property {Signal} [ppg] in any unit
 * @property {Signal} [temp] in °C
 * @property {Events} [ibi] in s
 * @property {Events} [hr] in bpm
 * @property {Events} [counts]
 * @property {number} [lightsOffS]
 * @property {number} [lightsOnS]
 */
import { median } from "./arrays.js";
import { Problem } from "./problems.js";

const SIGNALS = ["acc", "ppg", "temp"];
const EVENTS = ["ibi", "hr", "counts"];

/**
 * Number of whole epochs from second 0 to the end of the last channel.
 *
 * @param {Recording} recording
 * @param {object} contract
 * @param {string} where what the user gave
 */
export function countEpochs(recording, contract, where) {
  const signals = SIGNALS.filter((name) => recording[name]).map((name) => signalEnd(recording[name]));
  const events = EVENTS.filter((name) => recording[name]).map((name) =>
    eventsEnd(recording[name], contract.longest_step_s),
  );
  const endS = Math.max(0, ...signals, ...events);
  const n = Math.floor((endS + 1e-6) / contract.epoch_s);
  if (n < contract.epochs.least) {
    const least = (contract.epochs.least * contract.epoch_s) / 60;
    throw new Problem(
      where,
      `${(endS / 60).toFixed(1)} min of recording is too short to stage`,
      `give at least ${least} min`,
    );
  }
  return n;
}

function signalEnd({ samples, axes, rateHz, startS }) {
  return startS + samples.length / axes / rateHz;
}

function eventsEnd({ timesS, unit }, longestS) {
  if (!timesS.length) return 0;
  const last = timesS[timesS.length - 1];
  if (unit === "s" || timesS.length === 1) return last;
  return last + Math.min(median(steps(timesS)), longestS);
}

function steps(times) {
  return times.subarray(1).map((time, index) => time - times[index]);
}
