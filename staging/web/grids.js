/** A recording's channels -> the grids that the graph reads, for some of its epochs. */
import { interp, rint } from "./arrays.js";
import { resample } from "./filters.js";
import { heartRate } from "./heart.js";

const SAME_RATE = 1e-6;

/**
 * What the graph is fed of a whole recording; epochs are cut from it by `feeds`.
 *
 * @param {import("./recording.js").Recording} recording
 * @param {number} nEpochs
 * @param {object} contract
 */
export function prepare(recording, nEpochs, contract) {
  const { acc, ppg, temp, counts } = recording;
  const isSlow = acc && acc.rateHz <= contract.slowest_hz.counts;
  const even = {};
  if (acc) even.acc = { signal: acc, isHeld: isSlow };
  if (ppg && ppg.rateHz >= contract.slowest_hz.pulse) even.ppg = { signal: ppg, isHeld: false };
  if (temp) even.temp = { signal: temp, isHeld: true };
  const whole = {};
  if (recording.hr || recording.ibi) whole.heart_rate = heartRate(recording, nEpochs, contract);
  if (!acc || isSlow) {
    const nBins = nEpochs * contract.inputs.counts.shape[1];
    if (counts) whole.counts = countsInBins(counts, nBins, 1 / contract.inputs.counts.rate_hz);
    else if (isSlow) whole.counts = new Float32Array(nBins).fill(NaN); // none are to be made from what is held
  }
  return { even, whole };
}

/**
 * The graph's inputs for the epochs from `first` up to `stop`.
 *
 * @returns {Record<string, {values: Float32Array, shape: number[]}>}
 */
export function feeds({ even, whole }, first, stop, contract) {
  const n = stop - first;
  const columns = contract.inputs.present.columns;
  const made = {};
  for (const name of columns) {
    const shape = contract.inputs[name].shape.slice(1);
    const size = shape.reduce((a, b) => a * b, 1);
    let values = new Float32Array(n * size);
    if (even[name])
      values = onGrid(even[name], contract.inputs[name].rate_hz, shape[0], first, stop, contract.around_s);
    if (whole[name]) values = whole[name].slice(first * size, stop * size);
    made[name] = { values, shape: [n, ...shape] };
  }
  const there = columns.map((name) => (even[name] || whole[name] ? 1 : 0));
  const present = Float32Array.from({ length: n * columns.length }, (_, at) => there[at % columns.length]);
  return { ...made, present: { values: present, shape: [n, columns.length] } };
}

/** Samples at the graph's rate; a signal at that rate is moved by at most half a sample. */
function onGrid({ signal, isHeld }, rateHz, perEpoch, first, stop, aroundS) {
  const { samples, axes, startS } = signal;
  const length = samples.length / axes;
  const n = (stop - first) * perEpoch;
  const placeOf = (cell) => ((first * perEpoch + cell) / rateHz - startS) * signal.rateHz;
  const out = new Float32Array(n * axes).fill(NaN);
  const inside = [Infinity, 0];
  for (let cell = 0; cell < n; cell++) {
    const nearest = rint(placeOf(cell));
    if (nearest < 0 || nearest >= length) continue;
    inside[0] = Math.min(inside[0], cell);
    inside[1] = cell + 1;
    for (let axis = 0; axis < axes; axis++) out[cell * axes + axis] = samples[nearest * axes + axis];
  }
  const isSame = Math.abs(signal.rateHz - rateHz) < SAME_RATE * rateHz;
  if (isSame || isHeld || inside[1] === 0) return out;
  // With so much around them, filters and splines are those of the whole recording.
  const bound = (place) => Math.min(Math.max(rint(place), 0), length);
  const low = bound(placeOf(0) - aroundS * signal.rateHz);
  const high = bound(placeOf(n - 1) + aroundS * signal.rateHz);
  const at = Float64Array.from({ length: inside[1] - inside[0] }, (_, k) => placeOf(inside[0] + k) - low);
  for (let axis = 0; axis < axes; axis++) {
    const column = Float64Array.from({ length: high - low }, (_, k) => samples[(low + k) * axes + axis]);
    const isEnough = bridge(column) >= signal.rateHz;
    const values = isEnough ? resample(column, signal.rateHz, rateHz, at) : at.fill(NaN);
    values.forEach((value, k) => {
      const cell = (inside[0] + k) * axes + axis;
      if (Number.isFinite(out[cell])) out[cell] = value;
    });
  }
  return out;
}

/** Straight lines over missing samples, in place; returns how many were known. */
function bridge(column) {
  const places = Array.from(column.keys()).filter((place) => Number.isFinite(column[place]));
  if (places.length && places.length < column.length) {
    const values = places.map((place) => column[place]);
    column.forEach((value, place) => {
      if (!Number.isFinite(value)) column[place] = interp(place, places, values);
    });
  }
  return places.length;
}

/** A device's own counts: each to the nearest bin. */
function countsInBins({ timesS, values }, nBins, binS) {
  const binned = new Float32Array(nBins).fill(NaN);
  timesS.forEach((time, at) => {
    const place = Math.floor(time / binS + 0.5);
    if (place >= 0 && place < nBins) binned[place] = values[at];
  });
  return binned;
}
