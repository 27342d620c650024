/** Heart rate as the graph takes it: every 5 s, from beats or a device's own rate, by the rules of `staging.heart`. */
import { interp, median, searchSorted } from "./arrays.js";

/**
 * A device's heart rate; from its beats where those cover half of the recording.
 *
 * @param {import("./recording.js").Recording} recording
 * @param {number} nEpochs
 * @param {object} contract
 * @returns {Float32Array} bpm at the middle of each step, NaN where unknown
 */
export function heartRate({ ibi, hr }, nEpochs, contract) {
  const nSteps = nEpochs * contract.inputs.heart_rate.shape[1];
  const atS = Float64Array.from({ length: nSteps }, (_, step) => (step + 0.5) * contract.heart.step_s);
  let best = new Float32Array(nSteps).fill(NaN);
  let bestShare = -1;
  if (ibi) {
    best = rateOfBeats(cleanIntervals(ibi, contract.heart), atS, contract.heart);
    bestShare = knownShare(best);
  }
  if (hr && bestShare < contract.heart.good_coverage) {
    const own = rateOfSamples(hr, atS, contract.heart);
    if (knownShare(own) > bestShare) best = own;
  }
  return best;
}

/** Beats that a sinus rhythm can give: of a believable length, and near the median of those around. */
export function cleanIntervals({ timesS, values }, heart) {
  const [low, high] = heart.ibi_range_s;
  const rows = Array.from(values.keys()).filter((row) => values[row] >= low && values[row] <= high);
  if (!rows.length) return { timesS: new Float64Array(0), values: new Float64Array(0) };
  const own = rows.map((row) => values[row]);
  const width = Math.min(heart.local_beats, own.length - 1 + (own.length % 2));
  const reach = width >> 1;
  const last = own.length - 1;
  const padded = (at) => {
    if (last < reach) return own[Math.min(Math.max(at, 0), last)];
    return own[at < 0 ? -at : at > last ? 2 * last - at : at];
  };
  const kept = rows.filter((_, at) => {
    const around = median(Array.from({ length: width }, (__, k) => padded(at - reach + k)));
    return Math.abs(own[at] - around) <= heart.most_deviation * around;
  });
  return {
    timesS: Float64Array.from(kept, (row) => timesS[row]),
    values: Float64Array.from(kept, (row) => values[row]),
  };
}

function rateOfBeats({ timesS, values }, atS, heart) {
  const n = values.length;
  if (!n) return new Float32Array(atS.length).fill(NaN);
  // An interval runs from begin to end and holds one beat; it is cut where it would overlap the one before it.
  const knots = new Float64Array(2 * n);
  const covered = new Float64Array(2 * n);
  const beats = new Float64Array(2 * n);
  let seconds = 0;
  let count = 0;
  for (let beat = 0; beat < n; beat++) {
    const begin = Math.max(timesS[beat] - values[beat], beat ? timesS[beat - 1] : -Infinity);
    const length = timesS[beat] - begin;
    knots.set([begin, timesS[beat]], 2 * beat);
    covered.set([seconds, seconds + length], 2 * beat);
    beats.set([count, count + length / values[beat]], 2 * beat);
    seconds += length;
    count += length / values[beat];
  }
  const within = (total, at) => {
    const end = at - heart.watch_delay_s;
    return interp(end, knots, total) - interp(end - heart.watch_window_s, knots, total);
  };
  const known = atS.filter((at) => within(covered, at) >= heart.least_window_coverage * heart.watch_window_s);
  const rate = known.map((at) => (60 * within(beats, at)) / within(covered, at));
  return bridged(known, rate, atS, 0, heart.longest_gap_s);
}

/** A device's own rate; of one that reports once a minute, reports are no gap. */
function rateOfSamples(hr, atS, heart) {
  const known = Array.from(hr.values.keys()).filter((row) => Number.isFinite(hr.values[row]));
  const times = Float64Array.from(known, (row) => hr.timesS[row]);
  const values = Float64Array.from(known, (row) => hr.values[row]);
  const usualS = times.length > 1 ? median(times.subarray(1).map((time, at) => time - times[at])) : 0;
  const gapS = Math.min(Math.max(heart.longest_gap_s, heart.usual_steps_bridged * usualS), heart.longest_slow_gap_s);
  return bridged(times, values, atS, gapS / 2, gapS);
}

/** Straight lines between values at most `gapS` apart, which hold for `reachS` beyond the first and the last. */
function bridged(times, values, atS, reachS, gapS) {
  const last = times.length - 1;
  if (last < 0) return new Float32Array(atS.length).fill(NaN);
  return Float32Array.from(atS, (at) => {
    if (at < times[0] - reachS || at > times[last] + reachS) return NaN;
    const previous = times[Math.max(searchSorted(times, at, "right") - 1, 0)];
    const following = times[Math.min(searchSorted(times, at), last)];
    return following - previous > gapS ? NaN : interp(at, times, values);
  });
}

function knownShare(rate) {
  return rate.reduce((count, value) => count + (Number.isFinite(value) ? 1 : 0), 0) / rate.length;
}
