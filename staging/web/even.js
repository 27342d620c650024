/**
 * Rows with times of their own -> an even signal, or events in order. The rate is measured from all the times. Where
 * stamps only jitter about an even clock, the samples are the device's own; where single ones are missing they are
 * interpolated; longer gaps stay NaN. Times that go back or repeat are for the staging program, which mends them.
 */
import { interp, median, quantile, rint, searchSorted } from "./arrays.js";
import { Problem } from "./problems.js";

// All in sampling periods, as in the staging program:
const HOLE = 1.5; // a step longer than this lacks a sample, if the stamps are clean
const GAP = 2.5; // a step longer than this lacks more than one
const CLEAN = 0.25; // stamps are clean if nine in ten steps differ by less
const MOST_DRIFT = 0.4; // of the running mean of the stamps' lateness, for samples to be taken as they are
const MOST_LATE = 10; // of a single stamp

const SMOOTHED_ROWS = 1000;
const FEW_ROWS = 400; // below so many rows no mean is trusted
const RATE_DECIMALS = 1e9;
const MOST_SAMPLES = 50_000_000;
const LONGEST_S = 31 * 86400;
const MEND_TIMES = "mend its times, or stage it with the staging program";

/**
 * An evenly sampled channel.
 *
 * @param {Float64Array} timesS
 * @param {Float64Array[]} columns one an axis
 * @param {string} where the file
 * @returns {import("./recording.js").Signal}
 */
export function toSignal(timesS, columns, where) {
  const times = timesS.filter((time) => !Number.isNaN(time));
  const rows =
    times.length === timesS.length ? columns : columns.map((each) => each.filter((_, at) => !Number.isNaN(timesS[at])));
  if (times.length < 2) throw new Problem(where, "fewer than two samples", "give the whole recording");
  const steps = new Float64Array(times.length - 1);
  for (let at = 0; at < steps.length; at++) {
    steps[at] = times[at + 1] - times[at];
    if (!(steps[at] > 0)) throw new Problem(where, `its times go back or repeat at ${times[at + 1]} s`, MEND_TIMES);
  }
  refuseSpan(times, where);
  const middle = median(steps);
  const isClean = quantile(steps, 0.95) - quantile(steps, 0.05) < CLEAN * middle;
  let rateHz = evenRate(times);
  let placed = null;
  if (!(isClean && steps.some((step) => step > HOLE / rateHz))) placed = place(times, rows, rateHz, Infinity);
  if (!placed) {
    rateHz = rateBetweenGaps(steps, middle);
    if ((times[times.length - 1] - times[0]) * rateHz > MOST_SAMPLES) {
      throw new Problem(where, "its rows leave gaps of many days", MEND_TIMES);
    }
    const gapS = GAP / rateHz;
    const lacksSingle = isClean && steps.some((step) => step <= gapS && step > HOLE / rateHz);
    placed = (lacksSingle ? null : place(times, rows, rateHz, gapS)) ?? interpolate(times, rows, rateHz, gapS);
  }
  return { samples: placed.samples, axes: columns.length, rateHz, startS: placed.startS };
}

/**
 * An irregular channel in order of time; of repeated times the first row counts.
 *
 * @param {Float64Array} timesS
 * @param {Float64Array} values
 * @param {"s" | "bpm" | "counts"} unit
 * @param {string} [where] the file
 * @returns {import("./recording.js").Events}
 */
export function inOrder(timesS, values, unit, where = "") {
  const order = Array.from(timesS.keys()).filter((row) => Number.isFinite(timesS[row]));
  order.sort((a, b) => timesS[a] - timesS[b]);
  const fresh = order.filter((row, at) => at === 0 || timesS[row] > timesS[order[at - 1]]);
  const times = Float64Array.from(fresh, (row) => timesS[row]);
  refuseSpan(times, where);
  return { timesS: times, values: Float64Array.from(fresh, (row) => values[row]), unit };
}

function refuseSpan(times, where) {
  const spanS = times.length ? times[times.length - 1] - times[0] : 0;
  if (spanS > LONGEST_S) {
    const problem = `its times span ${Math.round(spanS / 86400)} days`;
    throw new Problem(where, problem, "give seconds, not milliseconds, and one recording at a time");
  }
}

/** Samples a second if none is missing: the slope of the row number against time. */
function evenRate(times) {
  const centre = (times.length - 1) / 2;
  let rise = 0;
  let square = 0;
  for (let at = 0; at < times.length; at++) {
    rise += (at - centre) * (times[at] - times[0]);
    square += (at - centre) ** 2;
  }
  return Math.round((square / rise) * RATE_DECIMALS) / RATE_DECIMALS;
}

/** Samples a second where some are missing, without the bias of rounded stamps. */
function rateBetweenGaps(steps, middle) {
  const unbroken = steps.filter((step) => step < GAP * middle);
  const total = unbroken.reduce((sum, step) => sum + step, 0);
  const aboutHz = unbroken.length / total;
  const periods = unbroken.reduce((sum, step) => sum + rint(step * aboutHz), 0);
  return Math.round((periods / total) * RATE_DECIMALS) / RATE_DECIMALS;
}

/** Samples as they are, on the grid; null where a stretch between gaps is not even but for jitter. */
function place(times, rows, rateHz, gapS) {
  const n = times.length;
  const late = new Float64Array(n); // in periods, from the mean of the stretch
  const cells = new Float64Array(n);
  let zeroS = null;
  for (let first = 0, stop; first < n; first = stop) {
    stop = first + 1;
    while (stop < n && times[stop] - times[stop - 1] <= gapS) stop++;
    let beginS = 0;
    for (let at = first; at < stop; at++) beginS += (times[at] - (at - first) / rateHz) / (stop - first);
    zeroS ??= beginS;
    for (let at = first; at < stop; at++) {
      late[at] = (times[at] - (at - first) / rateHz - beginS) * rateHz;
      cells[at] = rint((beginS - zeroS) * rateHz) + at - first;
    }
  }
  if (!isEven(late)) return null;
  const axes = rows.length;
  const samples = new Float32Array((cells[n - 1] + 1) * axes).fill(NaN);
  rows.forEach((row, axis) => {
    for (let at = 0; at < n; at++) samples[cells[at] * axes + axis] = row[at];
  });
  return { samples, startS: Math.round(zeroS * RATE_DECIMALS) / RATE_DECIMALS };
}

/** Whether lateness is jitter (its running mean stays near 0) rather than lost samples or drift. */
function isEven(late) {
  const width = late.length > FEW_ROWS ? Math.min(SMOOTHED_ROWS, late.length >> 2) : 1;
  let sum = 0;
  for (let at = 0; at < late.length; at++) {
    sum += late[at] - (at >= width ? late[at - width] : 0);
    if (Math.abs(late[at]) >= MOST_LATE || (at >= width - 1 && Math.abs(sum / width) >= MOST_DRIFT)) return false;
  }
  return true;
}

/** Samples between their neighbours at even times; gaps hold the nearest sample or nothing. */
function interpolate(times, rows, rateHz, gapS) {
  const axes = rows.length;
  const last = times.length - 1;
  const n = Math.floor((times[last] - times[0]) * rateHz + 1e-6) + 1;
  const samples = new Float32Array(n * axes);
  for (let cell = 0; cell < n; cell++) {
    const atS = times[0] + cell / rateHz;
    const after = Math.min(Math.max(searchSorted(times, atS), 1), last);
    const nearest = atS - times[after - 1] <= times[after] - atS ? after - 1 : after;
    const inGap = times[after] - times[after - 1] > gapS;
    const isLost = inGap && Math.abs(times[nearest] - atS) >= 0.5 / rateHz;
    for (let axis = 0; axis < axes; axis++) {
      const own = inGap ? rows[axis][nearest] : interp(atS, times, rows[axis]);
      samples[cell * axes + axis] = isLost ? NaN : own;
    }
  }
  return { samples, startS: times[0] };
}
