/**
 * Plain tables that anybody can write (acc.csv, ppg.csv, temp.csv, ibi.csv, hr.csv, counts.csv) and recording.toml -> a
 * recording. Times are seconds from second 0, Unix seconds, or ISO 8601 stamps with a zone.
 */
import { median } from "./arrays.js";
import { inOrder, toSignal } from "./even.js";
import { parseMoment } from "./moments.js";
import { Problem } from "./problems.js";
import { isNumber, numbers, openTable, texts } from "./tables.js";

const ABOUT = "recording.toml";
const EARLIEST_UNIX_S = 1e8;
const LATEST_UNIX_S = 1e11;
const ZONE = "write 2026-03-28T22:41:05+01:00";

/** Names of the format's files in lower case. @param {object} contract */
export function plainNames(contract) {
  return [...contract.plain.tables.map((table) => table.file), ABOUT];
}

/** Whether there is a table of the format. */
export function isPlain(files, contract) {
  return contract.plain.tables.some((table) => files.has(table.file));
}

/**
 * Read the tables of a folder.
 *
 * @param {Map<string, {path: string, bytes: Uint8Array}>} files by name
 * @param {string} where what the user gave
 * @param {object} contract
 * @param {(step: string) => void} say
 * @returns {import("./recording.js").Recording}
 */
export function readPlain(files, where, contract, say) {
  const about = aboutOf(files.get(ABOUT));
  const tables = contract.plain.tables.filter((table) => files.has(table.file));
  const rows = tables.map((layout) => {
    say(`Reading ${layout.file}`);
    return { layout, ...rowsOf(files.get(layout.file), layout, contract) };
  });
  const start = about.start ?? earliest(rows, where);
  const recording = {
    device: about.device ?? "",
    startUnixS: start?.unixS ?? null,
    offsetMin: start?.offsetMin ?? null,
    warnings: [],
    lightsOffS: lightsS(about.lights_off, start, "lights_off"),
    lightsOnS: lightsS(about.lights_on, start, "lights_on"),
  };
  if (recording.lightsOnS <= recording.lightsOffS) {
    throw new Problem(ABOUT, "lights_on does not follow lights_off", "mend the two times");
  }
  for (const { layout, path, times, columns, offsetMin } of rows) {
    let timesS = times;
    if (offsetMin !== undefined) {
      const zeroS = start.unixS + (offsetMin === null ? start.offsetMin * 60 : 0);
      timesS = times.map((time) => time - zeroS);
    }
    recording[layout.channel] = layout.is_even
      ? toSignal(timesS, columns, path)
      : inOrder(timesS, columns[0], layout.unit, path);
  }
  return recording;
}

/** A table's times and values; with an `offsetMin`, null where stamps have no zone, where the times are of a clock. */
function rowsOf({ path, bytes }, layout, contract) {
  const table = openTable(bytes, path);
  let names = table.header;
  if (!names.length && table.first.length === 1 + layout.columns.length)
    names = [contract.plain.times[0], ...layout.columns];
  const time = contract.plain.times.map((name) => names.indexOf(name)).find((column) => column >= 0);
  const wanted = layout.columns.map((name) => names.indexOf(name));
  if (time === undefined || wanted.includes(-1)) {
    const problem = `its columns are ${(names.length ? names : table.first).join(", ").slice(0, 200)}`;
    throw new Problem(path, problem, `name them ${contract.plain.times[0]},${layout.columns.join(",")}`);
  }
  if (!table.first.some(Boolean))
    throw new Problem(path, "it has a header and no rows", "record something, or remove the file");
  if (isNumber(table.first[time].replace(",", "."))) {
    const [times, ...columns] = numbers(table, [time, ...wanted]);
    if (!times.length) throw new Problem(path, "it has no whole row", "record something, or remove the file");
    const middle = median(times.filter((each) => !Number.isNaN(each)));
    if (middle > LATEST_UNIX_S) {
      throw new Problem(path, `a time of ${middle} is not in seconds`, "give Unix seconds, or seconds from 0");
    }
    return { path, times, columns, offsetMin: middle < EARLIEST_UNIX_S ? undefined : 0 };
  }
  const columns = numbers(table, wanted);
  const moments = texts(table, time).slice(0, columns[0].length).map(parseMoment);
  const wrong = moments.findIndex(
    (moment) => !moment || (moment.offsetMin === null) !== (moments[0].offsetMin === null),
  );
  if (wrong >= 0) throw new Problem(path, `row ${wrong + 1} has no ISO 8601 time as the others have`, ZONE);
  return { path, columns, times: Float64Array.from(moments, (each) => each.unixS), offsetMin: moments[0].offsetMin };
}

/** Time of second 0 where there are stamps; null where all tables count seconds. */
function earliest(rows, where) {
  const clocked = rows.filter((each) => each.offsetMin !== undefined);
  if (!clocked.length) return null;
  if (clocked.length < rows.length) {
    throw new Problem(where, "some files count seconds and others have clock times", `write start in ${ABOUT}`);
  }
  const without = clocked.find((each) => each.offsetMin === null);
  if (without) throw new Problem(without.path, "its time stamps have no zone", `add one, or write start in ${ABOUT}`);
  const firsts = clocked.map((each) => each.times.reduce((least, time) => (time < least ? time : least), Infinity));
  const unixS = Math.min(...firsts);
  return { unixS, offsetMin: clocked[firsts.indexOf(unixS)].offsetMin };
}

/** What recording.toml says: `key = value`, one a line. */
function aboutOf(file) {
  const said = {};
  if (!file) return said;
  for (const line of new TextDecoder().decode(file.bytes).split(/\r?\n/)) {
    const found = /^\s*(\w+)\s*=\s*(?:"([^"]*)"|'([^']*)'|([^#]*?))\s*(?:#.*)?$/.exec(line);
    if (found) said[found[1]] = found[2] ?? found[3] ?? found[4].trim();
    else if (line.trim() && !line.trim().startsWith("#")) {
      throw new Problem(file.path, `"${line.trim().slice(0, 60)}" means nothing`, "write key = value, one a line");
    }
  }
  if (said.start === undefined) return said;
  const start = parseMoment(said.start);
  if (!start || start.offsetMin === null)
    throw new Problem(file.path, `start ${said.start} is not a time with a zone`, ZONE);
  return { ...said, start };
}

function lightsS(text, start, key) {
  if (text === undefined) return undefined;
  if (isNumber(text)) return Number(text);
  const moment = parseMoment(text);
  if (!moment || !start)
    throw new Problem(ABOUT, `${key} ${text} is no time from a known start`, `add start, or ${ZONE}`);
  return moment.unixS - (moment.offsetMin === null ? start.offsetMin * 60 : 0) - start.unixS;
}
