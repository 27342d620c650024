/** The page: takes files, and shows what the worker says of them. */
import { contract } from "./about.js";
import { show } from "./night.js";

const at = (id) => document.getElementById(id);
const worker = startWorker();

worker.onmessage = ({ data }) => {
  if (data.step) progress(data.step, data.share);
  else if (data.problem) fail(data.problem);
  else {
    finish();
    show(data.night);
  }
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

function finish() {
  at("files").disabled = false;
  at("files").value = "";
  at("progress").hidden = true;
  at("said").textContent = "";
}

function fail(problem) {
  finish();
  at("problem").textContent = problem;
}
