/** The charts of a night, and a slider that reads them. */
import { contract, words } from "./about.js";
import { charts } from "./charts.js";
import { make } from "./dom.js";

/** The section of the charts; `connectReader` makes it answer once it stands in the page. */
export function nightCharts(night, clock) {
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
  const heading = make("h2", {}, "The night ", make("span", { class: "unit" }, axis));
  return make("section", { class: "card", id: "night" }, heading, drawn);
}

/** The slider, and the pointer over a chart, read the values of an epoch. */
export function connectReader(night, clock) {
  const box = document.getElementById("charts");
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
