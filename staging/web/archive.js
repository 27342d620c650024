/** A zip, or files that were chosen together -> names and bytes. A zip is a stranger's: what is absurd is refused. */
import { unzipSync } from "fflate";
import { Problem } from "./problems.js";

const MOST_BYTES = 1 << 30;
const JUNK = new Set(["__macosx", "thumbs.db", "desktop.ini"]);
const ENCRYPTED = 1; // bit of the flags in the header of an entry
const COPY_AGAIN = "copy it from the device again";

/** @param {Uint8Array} bytes @returns {boolean} whether the bytes begin as a zip does */
export function isZip(bytes) {
  const [p, k, three, four] = bytes;
  return p === 0x50 && k === 0x4b && ((three === 3 && four === 4) || (three === 5 && four === 6));
}

/**
 * Unpack those files of a zip that are wanted.
 *
 * @param {Uint8Array} bytes the zip
 * @param {string} where its name
 * @param {Set<string>} wanted names in lower case, without folders
 * @returns {{files: Map<string, Uint8Array>, others: string[]}} by path, and the names that were not wanted
 */
export function unzip(bytes, where, wanted) {
  if (bytes[6] & ENCRYPTED) throw new Problem(where, "the zip is encrypted", "unpack it and choose its files");
  const others = [];
  let total = 0;
  const isWanted = (entry) => {
    const parts = entry.name.replaceAll("\\", "/").split("/");
    const name = parts.at(-1).toLowerCase();
    if (parts.includes("..") || parts.some((part) => part.startsWith(".") || JUNK.has(part.toLowerCase())))
      return false;
    if (!wanted.has(name)) {
      if (name) others.push(entry.name);
      return false;
    }
    total += entry.originalSize;
    if (total > MOST_BYTES) {
      throw new Problem(
        where,
        "it unpacks to more than 1 GB",
        "split it into single nights, or use the staging program",
      );
    }
    return true;
  };
  try {
    return { files: new Map(Object.entries(unzipSync(bytes, { filter: isWanted }))), others };
  } catch (error) {
    if (error instanceof Problem) throw error;
    throw new Problem(where, "the zip is cut short or damaged", COPY_AGAIN);
  }
}

/**
 * The files of one recording among those of an archive: all from the top folder or from the only one that has any.
 *
 * @param {Map<string, Uint8Array>} files by path
 * @param {string} where the archive's name
 * @returns {Map<string, {path: string, bytes: Uint8Array}>} by name in lower case
 */
export function oneFolder(files, where) {
  const folders = new Map();
  for (const [path, bytes] of files) {
    const parts = path.replaceAll("\\", "/").split("/");
    const name = parts.pop().toLowerCase();
    const folder = parts.join("/");
    if (!folders.has(folder)) folders.set(folder, new Map());
    folders.get(folder).set(name, { path, bytes });
  }
  const names = [...folders.keys()].sort((a, b) => a.length - b.length);
  if (names.length > 1 && names[0] !== "") {
    const listed = names.slice(0, 2).join(", ");
    throw new Problem(where, `it holds several recordings (${listed})`, "give the files of one of them");
  }
  return folders.get(names[0]) ?? new Map();
}
