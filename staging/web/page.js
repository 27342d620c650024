/** The page: takes files, shows what the worker says of them, draws the night. */
import { charts } from "./charts.js";
import { Clock } from "./clock.js";
import { make } from "./dom.js";
import { lightsOf } from "./lights.js";
import { inBed, inBedSpan, summarize } from "./metrics.js";
import { hypnogramCsv } from "./outputs.js";
import { minutesText, valueText, wholePct } from "./words.js";

const at = (id) => document.getElementById(id);
const { contract, words } = JSON.parse(at("contract").textContent);
const worker = startWorker();

worker.onmessage = ({ data }) => {
  if (data.step) progress(data.step, data.share);
  else if (data.problem) fail(data.problem);
  else show(data.night);
};
worker.onerror = (event) => {
  event.preventDefault();
  fail("This browser cannot run the model in a page; use a current Firefox, Chrome, Edge or Safari.");
};

at("files").addEventListener("change", (event) => give([...event.target.files]));
for (const kind of ["dragover", "dragleave", "drop"]) {
  document.addEventListener(kind, (event) => {
    event.preventDefault();
    at("drop").classList.toggle("over", kind === "dragover");
    if (kind === "drop" && !at("files").disabled) give([...event.dataTransfer.files]);
  });
}

function startWorker() {
  const code = Uint8Array.from(atob(at("worker").textContent), (letter) => letter.charCodeAt(0));
  const address = URL.createObjectURL(new Blob([code], { type: "text/javascript" }));
  const made = new Worker(address);
  made.postMessage({ contract, assets: { wasm: at("wasm").textContent, model: at("model").textContent } });
  return made;
}

function give(files) {
  if (!files.length) return;
  at("files").disabled = true;
  at("problem").textContent = "";
  at("result").hidden = true;
  at("result").replaceChildren();
  progress("Reading", 0);
  worker.postMessage({ files });
}

function progress(step, share) {
  at("progress").hidden = false;
  at("progress").value = share;
  at("said").textContent = `${step} …`;
}

function finish(said) {
  at("files").disabled = false;
  at("files").value = "";
  at("progress").hidden = true;
  at("said").textContent = said;
}

function fail(problem) {
  finish("");
  at("problem").textContent = problem;
}

function show(night) {
  const clock = new Clock(night.startUnixS, night.offsetMin);
  const facts = [
    night.device,
    `${night.stages.length} epochs of ${contract.epoch_s} s`,
    `staged in ${night.seconds.staging.toFixed(1)} s`,
  ];
  const heading = make("h2", { id: "name", tabindex: -1 }, make("bdi", {}, night.name));
  at("result").replaceChildren(
    make(
      "header",
      {},
      heading,
      make("p", { class: "when" }, clock.span(night.stages.length * contract.epoch_s)),
      make("p", { class: "facts" }, facts.filter(Boolean).join(" · ")),
    ),
    ...(clock.isKnown ? [lightsForm(night, clock)] : []),
    make("div", { id: "parts" }),
  );
  at("result").hidden = false;
  draw(night, clock);
  finish(`Done: total sleep time ${minutesText(night.metrics.tst_min)}.`);
  heading.focus();
  at("result").dataset.graphS = night.seconds.graph.toFixed(3);
}

/** All that follows from the stages and the lights times. */
function draw(night, clock) {
  const drawn = make("section", { class: "card", id: "night" }, ...nightCharts(night, clock));
  const parts = [tiles(night), composition(night), notes(night), drawn, downloads(night, clock), definitions(night)];
  at("parts").replaceChildren(...parts);
  connectReader(night, clock);
}

/** Where a person says when lights went off and on; what depends on it is worked out anew. */
function lightsForm(night, clock) {
  const [off, on] = [
    ["lights-off", night.lightsOffS],
    ["lights-on", night.lightsOnS],
  ].map(([id, atS]) => make("input", { type: "time", id, value: atS === undefined ? "" : clock.text(atS) }));
  const problem = make("p", { class: "problem", role: "alert" });
  const change = () => {
    const endS = night.stages.length * contract.epoch_s;
    const { problem: said = "", lightsOffS, lightsOnS } = lightsOf(off.value, on.value, endS, clock);
    problem.textContent = said;
    if (said) return;
    const span = inBedSpan(night.stages.length, lightsOffS, lightsOnS, contract.epoch_s);
    if (span[1] <= span[0]) {
      problem.textContent = "No epoch lies between lights off and lights on; give other times, or none.";
      return;
    }
    const lightsKnown = lightsOffS !== undefined || lightsOnS !== undefined;
    const metrics = summarize(inBed(night.stages, span), contract.epoch_s);
    draw({ ...night, lightsOffS, lightsOnS, lightsKnown, span, metrics }, clock);
    at("said").textContent = `Worked out anew: sleep efficiency ${valueText(metrics.se_pct, "%", 1)}.`;
  };
  for (const input of [off, on]) input.addEventListener("change", change);
  const labels = [make("label", {}, "Lights off ", off), " ", make("label", {}, "Lights on ", on)];
  const hint = `Time in bed, where it is known (${clock.zone})`;
  return make("fieldset", { class: "card lights" }, make("legend", {}, hint), ...labels, problem);
}

function tiles(night) {
  const shown = words.headlines.filter(([name]) => name in night.metrics);
  const each = shown.map(([name, label]) => {
    const value = night.metrics[name];
    const text = name.endsWith("_pct") ? valueText(value, "%", 1) : minutesText(value);
    const within = `of ${minutesText(night.metrics.tib_min)} ${night.lightsKnown ? "in bed" : "recorded"}`;
    const aside = { tst_min: within, rem_latency_min: "from sleep onset" }[name] ?? "";
    return make(
      "div",
      { class: "tile" },
      make("dt", {}, label),
      make("dd", {}, text),
      make("dd", { class: "aside" }, aside),
    );
  });
  return make("dl", { class: "tiles" }, ...each);
}

/** How the time was spent: one bar, and the same in words, which is the legend of the stages as well. */
function composition(night) {
  const lengths = words.rows.map((stage) => [stage, night.metrics[`${stage.toLowerCase()}_min`] ?? 0]);
  lengths.push(["UNSCORED", night.metrics.unscored_min]);
  let from = 0;
  const bars = lengths.map(([stage, length]) => {
    const share = (100 * length) / night.metrics.tib_min;
    const bar = make("rect", { class: `s-${stage}`, x: `${from}%`, width: `${share}%`, height: 26 });
    from += share;
    return bar;
  });
  const items = lengths
    .filter(([stage, length]) => stage !== "UNSCORED" || length)
    .map(([stage, length]) => {
      const swatch = make(
        "svg",
        { "aria-hidden": "true" },
        make("rect", { class: `s-${stage}`, width: 12, height: 12, rx: 3 }),
      );
      const pct = night.metrics[`${stage.toLowerCase()}_pct`] ?? null;
      const ofSleep = pct === null ? [] : [make("span", {}, `${valueText(pct, "%", 1)} of sleep`)];
      const name = make("strong", {}, words.stages[stage] ?? "Unscored");
      return make("li", {}, swatch, name, make("span", {}, minutesText(length)), ...ofSleep);
    });
  return make(
    "section",
    { class: "card" },
    make("h2", {}, "Stages"),
    make("svg", { class: "stagebar", "aria-hidden": "true" }, ...bars),
    make("ul", { class: "stagelist" }, ...items),
  );
}

function notes(night) {
  const width = contract.sensors.length;
  const n = night.stages.length;
  const sensors = contract.sensors.map((sensor, column) => {
    const share = night.stages.reduce((sum, _, epoch) => sum + night.quality[epoch * width + column], 0) / n;
    const said = share ? `usable in ${wholePct(share)} % of the time` : "not recorded, or nowhere usable";
    return `${words.sensors[sensor]}: ${said}`;
  });
  const unknown = "lights-off and lights-on are not known: time in bed is the whole recording, ";
  const lights = night.lightsKnown
    ? []
    : [`${unknown}and sleep onset latency and sleep efficiency count from its start`];
  const said = [...night.warnings, ...lights, ...sensors];
  const items = said.map((text) => make("li", {}, text[0].toUpperCase() + text.slice(1)));
  return make("aside", { class: "card note" }, make("h2", {}, "What this was made from"), make("ul", {}, ...items));
}

function nightCharts(night, clock) {
  const last = night.stages.length - 1;
  const axis = clock.isKnown ? `time of day (${clock.zone})` : "time since the first epoch";
  const reader = make(
    "div",
    { class: "reader" },
    make("label", { for: "epoch" }, "Read values"),
    make("input", { id: "epoch", type: "range", min: 0, max: last, value: 0 }),
    make("output", { for: "epoch" }, "Point at a chart, or move the slider."),
  );
  const drawn = make(
    "div",
    { id: "charts" },
    reader,
    make("div", { class: "cursor", hidden: true }),
    ...charts(night, clock, contract, words),
  );
  return [make("h2", {}, "The night ", make("span", { class: "unit" }, axis)), drawn];
}

/** The slider, and the pointer over a chart, read the values of an epoch. */
function connectReader(night, clock) {
  const box = at("charts");
  const [slider, output, cursor, plot] = ["input", "output", ".cursor", ".plot"].map((what) => box.querySelector(what));
  const { stages: classes } = contract.model;
  const read = (epoch) => {
    const stage = words.stages[night.stages[epoch]] ?? "unscored";
    const time = clock.text(epoch * contract.epoch_s, true);
    const chances = classes.map((name, k) => [name, night.probabilities[epoch * classes.length + k]]);
    const said = chances
      .filter(([, p]) => !Number.isNaN(p))
      .map(([name, p]) => `${words.stages[name]} ${Math.round(100 * p)} %`);
    output.replaceChildren(make("b", {}, `${time} ${stage}`), ...said.map((text) => make("span", {}, text)));
    slider.value = epoch;
    slider.setAttribute("aria-valuetext", [time, stage, ...said].join(", "));
    const drawn = plot.getBoundingClientRect();
    const left = drawn.left - box.getBoundingClientRect().left;
    cursor.style.left = `${left + (drawn.width * (epoch + 0.5)) / night.stages.length}px`;
    cursor.hidden = false;
  };
  slider.addEventListener("input", () => read(Number(slider.value)));
  box.addEventListener("pointermove", (event) => {
    if (!event.target.closest(".plot")) return;
    const drawn = plot.getBoundingClientRect();
    const share = (event.clientX - drawn.left) / drawn.width;
    read(Math.min(night.stages.length - 1, Math.max(0, Math.floor(share * night.stages.length))));
  });
}

function downloads(night, clock) {
  const href = URL.createObjectURL(new Blob([hypnogramCsv(night, clock, contract)], { type: "text/csv" }));
  const link = make(
    "a",
    { class: "button", id: "csv", href, download: `${night.name}.hypnogram.csv` },
    "Download the hypnogram (CSV)",
  );
  const hint = "A row an epoch with its stage, probabilities and coverage; ";
  const read = make("p", {}, hint, make("code", {}, "staging summarize"), " reads it.");
  return make("section", { class: "card" }, make("h2", {}, "Take it with you"), make("p", {}, link), read);
}

function definitions(night) {
  const sources = [...new Set(Object.keys(night.metrics).map((name) => words.metrics[name].source))];
  const rows = Object.entries(night.metrics).map(([name, value]) => {
    const { unit, decimals, definition, source } = words.metrics[name];
    return make(
      "div",
      { class: "metric-row" },
      make("dt", {}, make("code", {}, name), make("span", { class: "value" }, valueText(value, unit, decimals))),
      make("dd", {}, `${definition} [${sources.indexOf(source) + 1}]`),
    );
  });
  const hint = "A dash means that it is not defined for this night.";
  const listed = make("ol", { class: "sources" }, ...sources.map((source) => make("li", {}, source)));
  return make(
    "section",
    { class: "card", id: "metrics" },
    make("h2", {}, "Sleep architecture"),
    make("p", {}, hint),
    make("dl", {}, ...rows),
    make("h3", {}, "Where the definitions come from"),
    listed,
  );
}
