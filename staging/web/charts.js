/** Hypnogram, hypnodensity and coverage of a night, one above the other on a common time axis, as in the report. */
import { make } from "./dom.js";
import { minutesText, wholePct } from "./words.js";

const ROW = 26;
const BAR = 16;
const PAD = 6;
const LIGHTS = 14;
const DENSITY = 110;
const STRIP = 22;

/**
 * All panels.
 *
 * @param {object} night of the worker
 * @param {import("./clock.js").Clock} clock
 * @param {object} contract
 * @param {object} words
 * @returns {Element[]}
 */
export function charts(night, clock, contract, words) {
  const frame = frameOf(night, clock, contract);
  const panels = [
    hypnogram(night, contract, words),
    hypnodensity(night, contract, words),
    coverage(night, contract, words),
  ];
  const [first, ...others] = panels.map((panel) => figure(panel, frame));
  return [first, axis(frame), ...others, axis(frame)];
}

/** Stretches of equal values. @returns {{value: unknown, begin: number, end: number}[]} */
export function runs(values) {
  const found = [];
  values.forEach((value, at) => {
    if (at && value === values[at - 1]) found.at(-1).end = at + 1;
    else found.push({ value, begin: at, end: at + 1 });
  });
  return found;
}

function frameOf(night, clock, contract) {
  const n = night.stages.length;
  const durationS = n * contract.epoch_s;
  const given = [
    ["lights off", night.lightsOffS],
    ["lights on", night.lightsOnS],
  ];
  return {
    n,
    pct: (atS) => `${((100 * atS) / durationS).toFixed(3)}%`,
    ticks: clock.ticks(durationS),
    lights: given
      .filter(([, atS]) => atS >= 0 && atS <= durationS)
      .map(([label, atS]) => ({ atS, label: `${label} ${clock.text(atS)}`, isLate: atS > durationS / 2 })),
    unscored: runs(night.stages).filter((run) => run.value === "UNSCORED"),
    epochS: contract.epoch_s,
  };
}

function hypnogram(night, contract, words) {
  const middle = Object.fromEntries(words.rows.map((stage, row) => [stage, LIGHTS + ROW * (row + 0.5)]));
  const bars = Object.fromEntries(words.rows.map((stage) => [stage, ""]));
  let joints = "";
  let before = null;
  for (const { value, begin, end } of runs(night.stages)) {
    if (value === "UNSCORED") {
      before = null;
      continue;
    }
    bars[value] += `M${begin} ${middle[value] - BAR / 2}H${end}v${BAR}H${begin}Z`;
    if (before) joints += `M${begin} ${middle[before]}V${middle[value]}`;
    before = value;
  }
  const spoken = words.rows.map((stage) => {
    const epochs = night.stages.filter((each) => each === stage).length;
    return `${words.stages[stage]} ${minutesText((epochs * contract.epoch_s) / 60)}`;
  });
  return {
    key: "hypnogram",
    title: "Hypnogram",
    height: LIGHTS + ROW * words.rows.length + PAD,
    labels: words.rows.map((stage) => [middle[stage], words.stages[stage]]),
    grid: Object.values(middle),
    marks: [
      make("path", { class: "joint", d: joints }),
      ...words.rows.map((stage) => make("path", { class: `bar s-${stage}`, d: bars[stage] })),
    ],
    description: `Hypnogram. ${spoken.join(", ")}.`,
    isHatched: true,
    hasLights: true,
  };
}

function hypnodensity(night, contract, words) {
  const classes = contract.model.stages;
  const scored = runs(night.stages.map((stage) => stage !== "UNSCORED")).filter((run) => run.value);
  const shareAbove = (row, epoch) =>
    words.rows
      .slice(0, row)
      .reduce((sum, stage) => sum + night.probabilities[epoch * classes.length + classes.indexOf(stage)], 0);
  const marks = words.rows.map((stage, row) => {
    const d = scored.map(({ begin, end }) => {
      const epochs = Array.from({ length: end - begin }, (_, at) => begin + at);
      const y = (edge, epoch) => (PAD + DENSITY * shareAbove(edge, epoch)).toFixed(2);
      const there = epochs.map((epoch) => `V${y(row, epoch)}H${epoch + 1}`).join("");
      const back = epochs
        .reverse()
        .map((epoch) => `V${y(row + 1, epoch)}H${epoch}`)
        .join("");
      return `M${begin} ${y(row, begin)}${there}${back}Z`;
    });
    return make("path", { class: `fill s-${stage}`, d: d.join("") });
  });
  return {
    key: "hypnodensity",
    title: "Hypnodensity",
    unit: "probability of each stage",
    height: DENSITY + 2 * PAD,
    labels: [0, 0.5, 1].map((p) => [PAD + DENSITY * (1 - p), `${100 * p} %`]),
    grid: [PAD, PAD + DENSITY / 2, PAD + DENSITY],
    marks,
    description: "Probability of each stage over the night, stacked. The slider above reads the values.",
    legend: words.rows.map((stage) => [`s-${stage}`, words.stages[stage]]),
    isHatched: true,
  };
}

function coverage(night, contract, words) {
  const width = contract.sensors.length;
  const parts = contract.sensors.map((sensor, row) => {
    const share = night.stages.map((_, epoch) => night.quality[epoch * width + row]);
    const y = PAD + STRIP * (row + 0.5);
    const mean = share.reduce((sum, value) => sum + value, 0) / share.length;
    const strips = runs(share.map((value) => Math.ceil(Math.min(Math.max(value, 0), 1) * 4)))
      .filter((run) => run.value)
      .map(({ value, begin, end }) =>
        make("path", { class: `cover c${value}`, d: `M${begin} ${y - 7}H${end}v14H${begin}Z` }),
      );
    return { y, name: words.sensors[sensor], mean, strips };
  });
  const spoken = parts.map(({ name, mean }) => `${name} ${wholePct(mean)} percent`);
  return {
    key: "coverage",
    title: "Coverage",
    unit: "usable part of each epoch, by sensor",
    height: 2 * PAD + STRIP * width,
    labels: parts.map(({ y, name }) => [y, sentence(name.replace("skin ", ""))]),
    grid: [],
    marks: parts.flatMap((part) => part.strips),
    missing: parts.filter((part) => !part.strips.length).map((part) => [part.y, "not recorded"]),
    description: `Coverage by sensor: ${spoken.join(", ")}.`,
  };
}

function sentence(text) {
  return text[0].toUpperCase() + text.slice(1);
}

function figure(panel, frame) {
  const { height } = panel;
  const legend = (panel.legend ?? []).map(([css, name]) =>
    make(
      "li",
      {},
      make(
        "svg",
        { class: "swatch", width: 12, height: 12, "aria-hidden": "true" },
        make("rect", { class: css, width: 12, height: 12, rx: 3 }),
      ),
      name,
    ),
  );
  const labels = panel.labels.map(([y, text]) => make("text", { x: "100%", dx: -8, y, dy: ".35em" }, text));
  const line = (css, x1, x2, y1, y2) => make("line", { class: css, x1, x2, y1, y2 });
  const ticks = frame.ticks.map(({ atS }) => line("tick", frame.pct(atS), frame.pct(atS), 0, height));
  const grid = panel.grid.map((y) => line("grid", 0, "100%", y, y));
  const plot = make(
    "svg",
    { width: "100%", height, viewBox: `0 0 ${frame.n} ${height}`, preserveAspectRatio: "none" },
    ...panel.marks,
  );
  const hatch = (panel.isHatched ? frame.unscored : []).map(({ begin, end }) => {
    const x = frame.pct(begin * frame.epochS);
    const width = frame.pct((end - begin) * frame.epochS);
    return make("rect", { class: "gap", x, y: 0, height, width }, make("title", {}, "unscored"));
  });
  const lights = frame.lights.flatMap(({ atS, label, isLate }) => {
    const x = frame.pct(atS);
    const mark = line("light", x, x, 0, height);
    if (!panel.hasLights) return [mark];
    const css = isLate ? "light before" : "light";
    return [mark, make("text", { class: css, x, dx: isLate ? -5 : 5, y: 11 }, label)];
  });
  const missing = (panel.missing ?? []).map(([y, text]) =>
    make("text", { class: "missing", x: "50%", y, dy: ".35em" }, text),
  );
  const unit = panel.unit ? [" ", make("span", { class: "unit" }, panel.unit)] : [];
  return make(
    "figure",
    { class: "panel", id: panel.key },
    make(
      "figcaption",
      {},
      make("h3", {}, panel.title, ...unit),
      ...(legend.length ? [make("ul", { class: "legend" }, ...legend)] : []),
    ),
    make("svg", { class: "y", height, "aria-hidden": "true" }, ...labels),
    make(
      "svg",
      { class: "plot", height, role: "img", "aria-label": panel.description },
      ...ticks,
      ...grid,
      plot,
      ...hatch,
      ...lights,
      ...missing,
    ),
  );
}

/** Labels of the time axis; every other one gives way on a narrow screen. */
function axis(frame) {
  const texts = frame.ticks.map(({ atS, label }, index) => {
    const share = atS / (frame.n * frame.epochS);
    const anchor = share < 0.03 ? " first" : share > 0.97 ? " last" : "";
    return make("text", { class: `time${index % 2 ? " odd" : ""}${anchor}`, x: frame.pct(atS), y: 14 }, label);
  });
  return make("div", { class: "axis", "aria-hidden": "true" }, make("span"), make("svg", { height: 20 }, ...texts));
}
