/** Text tables -> numbers, straight from the bytes: a night of PPG is two million rows. */
import { Problem } from "./problems.js";

const [NEWLINE, RETURN, SPACE, QUOTE, MINUS, PLUS, DOT, COMMA] = [...'\n\r "-+.,'].map((c) => c.charCodeAt(0));
const ZERO = 48;
const MOST_DIGITS = 15; // a double holds all of them, so that dividing by a power of ten rounds once
const NO_VALUE = new Set(["", "nan", "na", "n/a", "null", "none", "-"]);
const POWERS = Array.from({ length: 23 }, (_, power) => 10 ** power);
const DELIMITERS = [";", "\t", ","];

/**
 * @typedef {object} Table
 * @property {string} where the file
 * @property {Uint8Array} bytes
 * @property {string[]} header names in lower case; empty where the first row holds numbers or times
 * @property {string[]} first cells of the first row below the header
 * @property {number} begin first byte below the header
 * @property {number} line its line number
 * @property {string} delimiter
 */

/** @param {string} cell @returns {boolean} */
export function isNumber(cell) {
  return cell !== "" && Number.isFinite(Number(cell));
}

/**
 * Find a table's delimiter and header.
 *
 * @param {Uint8Array} bytes
 * @param {string} where
 * @param {number} [skip] rows above the header
 * @returns {Table}
 */
export function openTable(bytes, where, skip = 0) {
  let begin = bytes[0] === 0xef && bytes[1] === 0xbb ? 3 : 0;
  if (!bytes.length) throw new Problem(where, "the file is empty", "copy it from the device again, or leave it out");
  if (bytes.subarray(0, 512).includes(0))
    throw new Problem(where, "it is not text in UTF-8", "save it as CSV in UTF-8");
  for (let line = 0; line < skip; line++) begin = endOfLine(bytes, begin) + 1;
  const top = lineAt(bytes, begin);
  const delimiter = DELIMITERS.find((mark) => top.includes(mark)) ?? ",";
  const cells = cellsOf(top, delimiter);
  const isHeader = !isNumber(cells[0].replace(",", ".")) && !/^\d{4}-\d\d-\d\d/.test(cells[0]);
  if (!isHeader) return { where, bytes, header: [], first: cells, begin, line: skip + 1, delimiter };
  begin = Math.min(endOfLine(bytes, begin) + 1, bytes.length);
  const header = cells.map((cell) => cell.toLowerCase());
  return { where, bytes, header, first: cellsOf(lineAt(bytes, begin), delimiter), begin, line: skip + 2, delimiter };
}

/**
 * Columns as numbers; NaN where a field is empty. A last row that was cut short is left out.
 *
 * @param {Table} table
 * @param {number[]} columns from 0
 * @returns {Float64Array[]} a column each
 */
export function numbers(table, columns) {
  const found = columns.map(() => new Float64Array(countLines(table)));
  const place = new Map(columns.map((column, index) => [column, index]));
  const rows = eachRow(table, Math.max(...columns), (row, column, from, to) => {
    const index = place.get(column);
    if (index === undefined) return true;
    const value = numberIn(table.bytes, from, to, table.delimiter !== ",");
    found[index][row] = value;
    return value !== null;
  });
  return found.map((column) => column.subarray(0, rows));
}

/**
 * A column as text.
 *
 * @param {Table} table
 * @param {number} column from 0
 * @returns {string[]}
 */
export function texts(table, column) {
  const found = [];
  const decoder = new TextDecoder();
  const rows = eachRow(table, column, (row, at, from, to) => {
    if (at === column) found[row] = clean(decoder.decode(table.bytes.subarray(from, to)));
    return true;
  });
  return found.slice(0, rows);
}

/** Calls `take(row, column, from, to)` for every field up to a column; returns the number of whole rows. */
function eachRow(table, last, take) {
  const { bytes } = table;
  const mark = table.delimiter.charCodeAt(0);
  let row = 0;
  let line = table.line;
  for (let at = table.begin; at < bytes.length; line++) {
    const end = endOfLine(bytes, at);
    const stop = end > at && bytes[end - 1] === RETURN ? end - 1 : end;
    if (!isBlank(bytes, at, stop)) {
      let column = 0;
      let from = at;
      let isRight = true;
      for (let place = at; place <= stop && column <= last && isRight; place++) {
        if (place < stop && bytes[place] !== mark) continue;
        isRight = take(row, column, from, place);
        column += 1;
        from = place + 1;
      }
      if (!isRight || column <= last) {
        if (end >= bytes.length) return row; // the last line, without its end: it was cut short
        throw new Problem(table.where, `line ${line} is not ${last + 1} numbers`, "mend or remove that line");
      }
      row += 1;
    }
    at = end + 1;
  }
  return row;
}

/** A field's number, NaN where it is empty, null where it is something else. */
function numberIn(bytes, from, to, withComma) {
  while (from < to && (bytes[from] === SPACE || bytes[from] === QUOTE)) from++;
  while (to > from && (bytes[to - 1] === SPACE || bytes[to - 1] === QUOTE)) to--;
  let at = from;
  const isNegative = bytes[at] === MINUS;
  if (at < to && (isNegative || bytes[at] === PLUS)) at++;
  let value = 0;
  let digits = 0;
  let decimals = -1;
  for (; at < to; at++) {
    const digit = bytes[at] - ZERO;
    if (digit >= 0 && digit <= 9) {
      value = value * 10 + digit;
      digits += value > 0 ? 1 : 0;
      if (decimals >= 0) decimals += 1;
    } else if (decimals < 0 && (bytes[at] === DOT || (withComma && bytes[at] === COMMA))) {
      decimals = 0;
    } else {
      return slowNumber(bytes, from, to, withComma);
    }
  }
  const isPlain = digits <= MOST_DIGITS && decimals < POWERS.length && to - from - (decimals >= 0 ? 1 : 0) > 0;
  if (!isPlain || (to - from === 1 && digits === 0 && value === 0 && bytes[from] !== ZERO)) {
    return slowNumber(bytes, from, to, withComma);
  }
  const size = decimals > 0 ? value / POWERS[decimals] : value;
  return isNegative ? -size : size;
}

function slowNumber(bytes, from, to, withComma) {
  let text = clean(new TextDecoder().decode(bytes.subarray(from, to)));
  if (withComma) text = text.replace(",", ".");
  if (NO_VALUE.has(text.toLowerCase())) return NaN;
  const value = Number(text);
  return Number.isNaN(value) ? null : value;
}

function clean(text) {
  return text.replaceAll('"', "").trim();
}

function cellsOf(line, delimiter) {
  return line.split(delimiter).map(clean);
}

function endOfLine(bytes, at) {
  const end = bytes.indexOf(NEWLINE, at);
  return end < 0 ? bytes.length : end;
}

function lineAt(bytes, at) {
  return new TextDecoder().decode(bytes.subarray(at, Math.min(endOfLine(bytes, at), at + 4096))).trim();
}

function isBlank(bytes, from, to) {
  for (let at = from; at < to; at++) if (bytes[at] !== SPACE) return false;
  return true;
}

function countLines(table) {
  let lines = 1;
  for (let at = table.begin; at < table.bytes.length; at++) lines += table.bytes[at] === NEWLINE ? 1 : 0;
  return lines;
}
