/** A staged night -> the text of `NAME.hypnogram.csv`, as the staging program writes it and reads it again. */

/**
 * @param {object} night of the worker
 * @param {import("./clock.js").Clock} clock
 * @param {object} contract
 */
export function hypnogramCsv(night, clock, contract) {
  const { stages, probabilities, quality, span, lightsKnown } = night;
  const classes = contract.model.stages;
  const names = classes.map((name) => `p_${name.toLowerCase()}`);
  const coverage = contract.sensors.map((sensor) => `coverage_${sensor}`);
  const header = ["epoch", "start", "stage", ...names, ...coverage, ...(lightsKnown ? ["in_bed"] : [])];
  const [from, to] = lightsKnown ? [Math.min(span[0], 0), Math.max(span[1], stages.length)] : [0, stages.length];
  const rows = Array.from({ length: to - from }, (_, row) => {
    const epoch = from + row;
    const isThere = epoch >= 0 && epoch < stages.length;
    const cells = (values, width, places) =>
      Array.from({ length: width }, (__, k) => (isThere ? fixed(values[epoch * width + k], places) : ""));
    return [
      row,
      clock.iso(epoch * contract.epoch_s, from * contract.epoch_s),
      isThere ? stages[epoch] : "UNSCORED",
      ...cells(probabilities, classes.length, 4),
      ...cells(quality, contract.sensors.length, 3),
      ...(lightsKnown ? [epoch >= span[0] && epoch < span[1] ? 1 : 0] : []),
    ];
  });
  return `${[header, ...rows].map((cells) => cells.join(",")).join("\n")}\n`;
}

function fixed(value, places) {
  return Number.isNaN(value) ? "" : value.toFixed(places);
}
