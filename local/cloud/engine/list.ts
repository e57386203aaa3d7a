/** Lists: pages with opaque tokens, filters and order, wildcards in parents. */
import { createHash } from "node:crypto";
import type { Store } from "../cloud";
import { ApiError } from "../errors";
import { compareFields, parseOrder } from "./order";
import { parseFilter } from "./filter";
import type { Call, JsonObject } from "../service";

export interface Page {
  items: JsonObject[];
  nextPageToken?: string;
}

export interface ListSource {
  store: Store;
  /** Keys of the collection start with this. */
  prefix: string;
  /** Whether an entry under the prefix belongs to the list: children of children do not, wildcards may. */
  accepts: (key: string, value: JsonObject) => boolean;
}

const DEFAULT_PAGE = 100;
const LARGEST_PAGE = 1000;

/** One page of a stored collection, by the method's `pageSize`/`maxResults`, `pageToken`, `filter` and `orderBy`. */
export async function listPage(source: ListSource, call: Call): Promise<Page> {
  const size = pageSize(call);
  const filter = parseFilter(text(call, "filter"));
  const order = parseOrder(text(call, "orderBy"));
  const token = readToken(call);
  if (order.length > 0) return sortedPage(await collect(source, filter), order, size, token, call);
  const entries: { key: string; value: JsonObject }[] = [];
  let startAfter = token;
  // One entry more than asked tells whether there is a next page.
  while (entries.length <= size) {
    const chunk = await source.store.list(source.prefix, { startAfter, limit: CHUNK });
    entries.push(...chunk.filter(({ key, value }) => source.accepts(key, value) && filter(value)));
    if (chunk.length < CHUNK) break;
    startAfter = chunk.at(-1)?.key;
  }
  return cut(entries, size, call);
}

const CHUNK = 500;

/** A page of items that are not stored one by one. */
export function pageOf(items: readonly { key: string; value: JsonObject }[], call: Call): Page {
  const filter = parseFilter(text(call, "filter"));
  const order = parseOrder(text(call, "orderBy"));
  const token = readToken(call);
  const entries = items.filter(({ value }) => filter(value));
  if (order.length > 0) return sortedPage(entries, order, pageSize(call), token, call);
  const rest = entries.filter(({ key }) => token === undefined || key > token);
  return cut(
    rest.sort((a, b) => (a.key < b.key ? -1 : 1)),
    pageSize(call),
    call,
  );
}

function cut(entries: { key: string; value: JsonObject }[], size: number, call: Call): Page {
  const page = entries.slice(0, size);
  const last = page.at(-1);
  return {
    items: page.map(({ value }) => value),
    ...(entries.length > size && last && { nextPageToken: writeToken(last.key, call) }),
  };
}

async function collect(source: ListSource, filter: (value: JsonObject) => boolean) {
  const all = await source.store.list(source.prefix);
  return all.filter(({ key, value }) => source.accepts(key, value) && filter(value));
}

function sortedPage(
  entries: { key: string; value: JsonObject }[],
  order: ReturnType<typeof parseOrder>,
  size: number,
  token: string | undefined,
  call: Call,
): Page {
  const sorted = [...entries].sort((a, b) => compareFields(a.value, b.value, order) || (a.key < b.key ? -1 : 1));
  const start = token === undefined ? 0 : sorted.findIndex(({ key }) => key === token) + 1;
  if (token !== undefined && start === 0) throw invalidToken();
  return cut(sorted.slice(start), size, call);
}

function pageSize(call: Call): number {
  const asked = Number(text(call, "pageSize") ?? text(call, "maxResults") ?? 0);
  if (asked < 0) throw new ApiError("INVALID_ARGUMENT", `Invalid page size ${asked}: must not be negative.`);
  return asked === 0 ? DEFAULT_PAGE : Math.min(asked, LARGEST_PAGE);
}

function text(call: Call, name: string): string | undefined {
  const value = call.query[name];
  return Array.isArray(value) ? value[0] : value === "" ? undefined : value;
}

/** A token belongs to one list: same method, parent, filter and order. */
function fingerprint(call: Call): string {
  const list = [call.methodId, call.path, text(call, "filter") ?? "", text(call, "orderBy") ?? ""];
  return createHash("sha256").update(JSON.stringify(list)).digest("base64url").slice(0, 12);
}

const writeToken = (after: string, call: Call) =>
  Buffer.from(JSON.stringify([fingerprint(call), after])).toString("base64url");

function readToken(call: Call): string | undefined {
  const token = text(call, "pageToken");
  if (token === undefined) return undefined;
  const parsed = parseToken(token);
  if (!parsed || parsed[0] !== fingerprint(call)) throw invalidToken();
  return parsed[1];
}

function parseToken(token: string): [string, string] | undefined {
  try {
    const parsed: unknown = JSON.parse(Buffer.from(token, "base64url").toString("utf8"));
    return Array.isArray(parsed) && parsed.length === 2 && parsed.every((item) => typeof item === "string")
      ? (parsed as [string, string])
      : undefined;
  } catch {
    return undefined; // Not one of ours: the caller says so.
  }
}

const invalidToken = () =>
  new ApiError("INVALID_ARGUMENT", "Invalid page_token: it does not belong to this list request.");
