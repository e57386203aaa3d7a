/**
 * objects.list: one page of a bucket's objects in the order of their names' bytes.
 * Source: docs "Objects: list", "List objects".
 */
import type { Store } from "../../cloud";
import type { Behaviour } from "../../service";
import { invalid } from "./answers";
import { globToRegExp } from "./glob";
import { isTrue, one } from "./http";
import { findBucket, isExpired } from "./records";
import type { Bucket, Generation } from "./resources";
import { BEFORE_ALL, compare, order, type Position, ShelfCursor, type Walk } from "./shelf-cursor";

export interface ListOptions extends Walk {
  delimiter?: string;
  endOffset?: string;
  matchGlob?: string;
  includeTrailingDelimiter?: boolean;
  pageToken?: string;
  now: Date;
}

export interface Page {
  items: Generation[];
  prefixes: string[];
  nextPageToken?: string;
}

export const listObjects: Behaviour = async (call, cloud) => {
  const bucket = await findBucket(cloud.store, call.path.bucket!);
  const [versions, soft] = [isTrue(one(call, "versions")), isTrue(one(call, "softDeleted"))];
  if (versions && soft) throw invalid("Only one of versions and softDeleted can be set.");
  if (one(call, "filter"))
    throw invalid("Invalid value for filter: object contexts are not implemented by this cloud.");
  const max = Number(one(call, "maxResults") ?? 1000);
  if (!Number.isInteger(max) || max < 0)
    throw invalid(`Invalid value for maxResults: ${one(call, "maxResults") ?? ""}`);
  const page = await listPage(cloud.store, bucket, {
    prefix: one(call, "prefix") ?? "",
    delimiter: one(call, "delimiter") || undefined,
    startOffset: one(call, "startOffset"),
    endOffset: one(call, "endOffset"),
    matchGlob: one(call, "matchGlob"),
    includeTrailingDelimiter: isTrue(one(call, "includeTrailingDelimiter")),
    shelves: soft ? ["soft"] : versions ? ["noncurrent", "live"] : ["live"],
    maxResults: max === 0 ? 1000 : Math.min(max, 1000),
    pageToken: one(call, "pageToken"),
    now: cloud.now(),
  });
  return {
    kind: "storage#objects",
    ...(page.nextPageToken ? { nextPageToken: page.nextPageToken } : {}),
    ...(page.prefixes.length > 0 ? { prefixes: page.prefixes } : {}),
    ...(page.items.length > 0 ? { items: page.items } : {}),
  };
};

export async function listPage(store: Store, bucket: Bucket, options: ListOptions): Promise<Page> {
  const { prefix, delimiter } = options;
  const glob = options.matchGlob === undefined ? undefined : globToRegExp(options.matchGlob);
  const page: Page = { items: [], prefixes: [] };
  let last = positionOf(options.pageToken);
  const cursors = options.shelves.map((shelf) => new ShelfCursor(store, bucket, shelf, options));
  for (const cursor of cursors) cursor.seek(last);
  for (;;) {
    const next = await smallest(cursors);
    const name = next?.value.name ?? "";
    if (!next || (options.endOffset && compare(name, options.endOffset) >= 0)) return page;
    if (!isListed(next.value, options)) {
      next.cursor.advance();
      continue;
    }
    const folder = folderOf(name, prefix, delimiter);
    const asItem = folder === undefined || (options.includeTrailingDelimiter === true && name === folder);
    const item = asItem && (glob?.test(name) ?? true);
    const told = last !== undefined && "name" in last && last.name === folder;
    const newFolder = folder !== undefined && !told && (glob?.test(folder) ?? true);
    const isFull = () => page.items.length + page.prefixes.length >= options.maxResults;
    if (newFolder) {
      if (isFull()) return { ...page, nextPageToken: tokenOf(last!) };
      page.prefixes.push(folder);
      // An object of that very name is still to come, maybe on the next page.
      if (item) last = { name, generation: BEFORE_ALL };
    }
    if (item) {
      if (isFull()) return { ...page, nextPageToken: tokenOf(last!) };
      page.items.push(next.value);
    }
    const whole = folder !== undefined && !asItem;
    last = whole ? { under: folder } : { name, generation: next.value.generation };
    if (whole) for (const cursor of cursors) cursor.seek(last);
    else next.cursor.advance();
  }
}

/** The name cut after the first delimiter behind the prefix; undefined when there is none. */
function folderOf(name: string, prefix: string, delimiter: string | undefined): string | undefined {
  const at = delimiter === undefined ? -1 : name.indexOf(delimiter, prefix.length);
  return at < 0 ? undefined : name.slice(0, at + delimiter!.length);
}

function isListed(object: Generation, options: ListOptions): boolean {
  if (options.startOffset && compare(object.name, options.startOffset) < 0) return false;
  return !isExpired(object, options.now);
}

/** The next object of all cursors: by name, then by generation, oldest first. */
async function smallest(cursors: ShelfCursor[]): Promise<{ cursor: ShelfCursor; value: Generation } | undefined> {
  let best: { cursor: ShelfCursor; value: Generation } | undefined;
  for (const cursor of cursors) {
    const value = await cursor.peek();
    if (value && (!best || order(value, best.value) < 0)) best = { cursor, value };
  }
  return best;
}

const tokenOf = (position: Position) => Buffer.from(JSON.stringify(position)).toString("base64url");

function positionOf(token: string | undefined): Position | undefined {
  if (token === undefined || token === "") return undefined;
  try {
    const position = JSON.parse(Buffer.from(token, "base64url").toString("utf8")) as Partial<{
      name: string;
      generation: string;
      under: string;
    }>;
    if (typeof position.under === "string") return { under: position.under };
    if (position.name && typeof position.generation === "string")
      return { name: position.name, generation: position.generation };
  } catch {
    // Answered below like any other token that this service did not give.
  }
  throw invalid(`Invalid value for pageToken: ${token}`);
}
