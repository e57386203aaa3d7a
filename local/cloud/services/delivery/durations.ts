/** Durations as Google writes them in JSON: seconds with up to nine decimals and an `s`. */
import { invalid } from "../../errors";
import { textOf } from "../../json";
import type { Json } from "../../service";

/** Seconds of `"600s"`; undefined for anything else. */
export function secondsOf(duration: Json | undefined): number | undefined {
  const match = /^(\d+(?:\.\d{1,9})?)s$/.exec(textOf(duration));
  return match ? Number(match[1]) : undefined;
}

/** Refuses a duration outside of what its field allows; absent ones pass. */
export function checkDuration(field: string, value: Json | undefined, least: number, most: number): void {
  if (value === undefined || value === "") return;
  const seconds = secondsOf(value);
  if (seconds === undefined || seconds < least || seconds > most)
    throw invalid(`Invalid value for ${field}: got '${textOf(value)}'; expected ${least}s to ${most}s.`);
}
