/** A signal between its samples and below half of another rate: Butterworth forwards and backwards, quintic splines. */

const ORDER = 6;
const CUTOFF = 0.45; // of the new rate
const POLES = [-0.430575347099973, -0.0430962882032647]; // of the quintic B-spline (Unser, Aldroubi & Eden 1993)
const EDGE = 12; // samples held beyond each end, over which what is assumed beyond them dies away

/**
 * @param {Float64Array} samples without NaN
 * @param {number} fromHz
 * @param {number} toHz
 * @param {Float64Array} at places in samples, between them or not
 * @returns {Float64Array}
 */
export function resample(samples, fromHz, toHz, at) {
  const smooth = fromHz > toHz ? lowPass(samples, CUTOFF * toHz, fromHz) : samples;
  return splineAt(smooth, at);
}

/** Without delay: over the samples, turned about the ends, there and back. */
export function lowPass(samples, cutoffHz, rateHz) {
  const n = samples.length;
  const pad = Math.min(n - 1, Math.floor(rateHz));
  const held = new Float64Array(n + 2 * pad);
  held.set(samples, pad);
  for (let k = 1; k <= pad; k++) {
    held[pad - k] = 2 * samples[0] - samples[k];
    held[pad + n - 1 + k] = 2 * samples[n - 1] - samples[n - 1 - k];
  }
  for (let turn = 0; turn < 2; turn++) {
    for (const section of sections(cutoffHz, rateHz)) filter(held, section);
    held.reverse();
  }
  return held.slice(pad, pad + n);
}

function sections(cutoffHz, rateHz) {
  const warped = Math.tan((Math.PI * cutoffHz) / rateHz);
  return Array.from({ length: ORDER / 2 }, (_, pair) => {
    const damping = 2 * Math.sin((Math.PI * (2 * pair + 1)) / (2 * ORDER)) * warped;
    const scale = 1 / (1 + damping + warped * warped);
    return {
      b: warped * warped * scale,
      a1: 2 * (warped * warped - 1) * scale,
      a2: (1 - damping + warped * warped) * scale,
    };
  });
}

/** One second-order section in place, begun as if the first sample had always been there. */
function filter(values, { b, a1, a2 }) {
  let first = (1 - b) * values[0];
  let second = (b - a2) * values[0];
  for (let at = 0; at < values.length; at++) {
    const given = values[at];
    const made = b * given + first;
    first = 2 * b * given - a1 * made + second;
    second = b * given - a2 * made;
    values[at] = made;
  }
}

/** Values of the quintic spline through the samples. */
export function splineAt(samples, at) {
  const n = samples.length;
  const weights = new Float64Array(n + 2 * EDGE).fill(samples[0]);
  weights.set(samples, EDGE);
  weights.fill(samples[n - 1], EDGE + n);
  for (const pole of POLES) spread(weights, pole);
  return at.map((place) => {
    const inside = Math.min(Math.max(place, 0), n - 1) + EDGE;
    const below = Math.floor(inside);
    let sum = 0;
    for (let k = -2; k <= 3; k++) {
      const cell = Math.min(Math.max(below + k, 0), weights.length - 1);
      sum += weights[cell] * bSpline(Math.abs(inside - below - k));
    }
    return sum;
  });
}

/** Samples to the spline's weights, for one of its poles: there and back, as if mirrored at the ends. */
function spread(values, pole) {
  const last = values.length - 1;
  const gain = (1 - pole) * (1 - 1 / pole);
  for (let at = 0; at <= last; at++) values[at] *= gain;
  const horizon = Math.min(last, Math.ceil(Math.log(1e-16) / Math.log(Math.abs(pole))));
  let begin = values[0];
  for (let at = 1, power = pole; at <= horizon; at++, power *= pole) begin += power * values[at];
  values[0] = begin;
  for (let at = 1; at <= last; at++) values[at] += pole * values[at - 1];
  values[last] = (pole / (pole * pole - 1)) * (values[last] + pole * values[last - 1]);
  for (let at = last - 1; at >= 0; at--) values[at] = pole * (values[at + 1] - values[at]);
}

function bSpline(x) {
  if (x >= 3) return 0;
  if (x >= 2) return (3 - x) ** 5 / 120;
  if (x >= 1) return 17 / 40 + x * (5 / 8 + x * (-7 / 4 + x * (5 / 4 + x * (-3 / 8 + x / 24))));
  return 11 / 20 + x * x * (-1 / 2 + x * x * (1 / 4 - x / 12));
}
