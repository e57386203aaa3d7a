/**
 * Entries that have just been logged: stored, and noted as new until the router has seen them, in one write with
 * whatever else their writer stores.
 */
import type { Cloud } from "../../cloud";
import { textOf } from "../../json";
import type { JsonObject } from "../../service";

export const ENTRIES = "logEntries/";
export const ARRIVALS = "logging/arrivals/";

/** Who changes what the router stores with its position holds this. */
export const ROUTING = "logging/routing";

/** The same insert id at the same time in the same log is the same entry. */
export const place = (entry: JsonObject) =>
  `${textOf(entry.timestamp)}/${textOf(entry.logName)}/${textOf(entry.insertId)}`;

let numbers = 0;
/** Grows with each call; with the time before it, unlike any of an earlier process. */
export const nextNumber = () => String((numbers += 1)).padStart(9, "0");

/** What to store so that whole entries are logged, in the order of the list. `announce` follows the write. */
export function recordsOf(entries: readonly JsonObject[]): Record<string, JsonObject> {
  const [first] = entries;
  if (!first) return {};
  const keys = entries.map((entry) => ENTRIES + place(entry));
  const stored = Object.fromEntries(entries.map((entry, index): [string, JsonObject] => [keys[index]!, entry]));
  return { ...stored, [`${ARRIVALS}${textOf(first.receiveTimestamp)}/${nextNumber()}`]: { keys } };
}

/**
 * Gives what to store because of entries.
 * @param position unlike that of any other call, and sorted after those before
 */
export type Consumer = (
  entries: readonly JsonObject[],
  position: string,
  cloud: Cloud,
) => Promise<Record<string, JsonObject>>;

export interface Listener {
  /** Entries were stored; with a name, the driver of that batch has printed more. */
  heard: (batch?: string) => void;
  /** The batch is about to go, and what its driver has printed with it. */
  settle: (batch: string) => Promise<void>;
}

const listeners = new WeakMap<Cloud, Listener>();
export const listen = (cloud: Cloud, listener: Listener) => void listeners.set(cloud, listener);

export const announce = (cloud: Cloud, batch?: string) => listeners.get(cloud)?.heard(batch);
export const settle = async (cloud: Cloud, batch: string) => listeners.get(cloud)?.settle(batch);
