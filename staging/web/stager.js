/** A recording -> stages: windows of bounded length through the graph, and the model's own rule of decision. */
import { rint } from "./arrays.js";
import { decide, scorable } from "./decision.js";
import { feeds, prepare } from "./grids.js";
import { Problem } from "./problems.js";
import { countEpochs } from "./recording.js";

/**
 * @typedef {object} Night
 * @property {string[]} stages one an epoch
 * @property {Float32Array} probabilities of the classes, epoch after epoch; NaN where unscored
 * @property {Float32Array} quality usable share of the sensors, epoch after epoch
 */

/**
 * Stage a recording.
 *
 * @param {import("./recording.js").Recording} recording
 * @param {string} where what the user gave
 * @param {object} contract
 * @param {(inputs: object) => Promise<{probabilities: Float32Array, quality: Float32Array}>} run the graph
 * @param {(step: string, share: number) => void} say
 * @returns {Promise<Night>}
 */
export async function stage(recording, where, contract, run, say) {
  const n = countEpochs(recording, contract, where);
  const grids = prepare(recording, n, contract);
  const nClasses = contract.model.stages.length;
  const nSensors = contract.sensors.length;
  const windows = windowsOf(n, contract);
  const probabilities = new Float32Array(n * nClasses);
  const quality = new Float32Array(n * nSensors);
  const weights = new Float32Array(n);
  for (const [index, first] of windows.entries()) {
    const stop = Math.min(first + contract.epochs.most, n);
    const part = windows.length > 1 ? ` (part ${index + 1} of ${windows.length})` : "";
    say(`Finding beats and movement, and staging${part}`, index / windows.length);
    const found = await run(feeds(grids, first, stop, contract));
    for (let epoch = first; epoch < stop; epoch++) {
      const row = epoch - first;
      const weight =
        windows.length > 1 ? Math.min(row + 1, stop - epoch, contract.epochs.overlap) / contract.epochs.overlap : 1;
      weights[epoch] += weight;
      for (let k = 0; k < nClasses; k++)
        probabilities[epoch * nClasses + k] += weight * found.probabilities[row * nClasses + k];
      for (let k = 0; k < nSensors; k++) quality[epoch * nSensors + k] += weight * found.quality[row * nSensors + k];
    }
  }
  return decided(probabilities, quality, weights, where, contract);
}

function decided(probabilities, quality, weights, where, contract) {
  const n = weights.length;
  const { stages: names, decision } = contract.model;
  const nSensors = contract.sensors.length;
  const [heart, motion] = ["heart", "motion"].map((sensor) => contract.sensors.indexOf(sensor));
  for (let at = 0; at < quality.length; at++) quality[at] /= weights[Math.floor(at / nSensors)];
  const known = Array.from(
    { length: n },
    (_, epoch) => quality[epoch * nSensors + heart] > 0 || quality[epoch * nSensors + motion] > 0,
  );
  if (!known.includes(true)) {
    const mend = "give acceleration, PPG, heart rate or activity counts of at least 10 min";
    throw new Problem(where, "neither heart nor motion was usably recorded in any epoch", mend);
  }
  const may = scorable(known, contract.epochs.bridged);
  const rows = may.map((_, epoch) => probabilities.subarray(epoch * names.length, (epoch + 1) * names.length));
  for (const [epoch, row] of rows.entries()) {
    const total = row.reduce((sum, value) => sum + value, 0);
    row.forEach((value, k) => (row[k] = may[epoch] ? value / total : NaN));
  }
  const columns = decide(rows, may, decision);
  const stages = may.map((isKnown, epoch) => (isKnown ? names[columns[epoch]] : "UNSCORED"));
  return { stages, probabilities, quality };
}

/** First epochs of the windows: one, or as many as overlap enough. */
function windowsOf(n, { epochs }) {
  if (n <= epochs.most) return [0];
  const count = Math.ceil((n - epochs.overlap) / (epochs.most - epochs.overlap));
  return Array.from({ length: count }, (_, index) => rint((index * (n - epochs.most)) / (count - 1)));
}
