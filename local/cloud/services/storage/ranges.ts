/**
 * The byte range of a media download. Source: docs "Range" in "HTTP headers" and RFC 9110, section 14; several ranges in one
 * request are not supported by the service and give the whole object.
 */
import { rangeNotSatisfiable } from "./answers";

export interface ByteRange {
  /** First and last byte, both included. */
  start: number;
  end: number;
}

/** @returns undefined when the whole object is to be sent */
export function rangeOf(header: string | undefined, size: number): ByteRange | undefined {
  const match = /^bytes=(\d*)-(\d*)$/.exec(header?.trim() ?? "");
  if (!match || (match[1] === "" && match[2] === "")) return undefined;
  if (match[1] === "") {
    const length = Math.min(Number(match[2]), size);
    if (length === 0) throw rangeNotSatisfiable();
    return { start: size - length, end: size - 1 };
  }
  const start = Number(match[1]);
  if (match[2] !== "" && Number(match[2]) < start) return undefined;
  if (start >= size) throw rangeNotSatisfiable();
  return { start, end: match[2] === "" ? size - 1 : Math.min(Number(match[2]), size - 1) };
}
