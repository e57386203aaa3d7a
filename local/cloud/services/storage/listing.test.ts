/** Listing against a naive model of the same rules, for names, folders, versions, offsets and page sizes drawn at random. */
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import type { Store } from "../../cloud";
import { globToRegExp } from "./glob";
import { listPage, type ListOptions, type Page } from "./listing";
import { objectKey } from "./records";
import type { Bucket, Generation } from "./resources";
import { type TestStorage, testStorage } from "./testing";

const bucket = { name: "b", generation: "1" } as Bucket;
const now = new Date("2026-01-01T00:00:00Z");

/** The one method of a store that listing uses, over keys in the order of their bytes. */
function storeOf(entries: [key: string, object: Generation][]): Store {
  const sorted = entries.sort(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  const after = (key: string, start: string) => Buffer.compare(Buffer.from(key), Buffer.from(start)) > 0;
  return {
    list: async (prefix: string, { startAfter = "", limit = Infinity } = {}) =>
      sorted
        .filter(([key]) => key.startsWith(prefix) && after(key, startAfter))
        .slice(0, limit)
        .map(([key, value]) => ({ key, value })),
  } as Partial<Store> as Store;
}

async function allPages(store: Store, options: ListOptions): Promise<Page> {
  const all: Page = { items: [], prefixes: [] };
  let pageToken: string | undefined;
  do {
    const page = await listPage(store, bucket, { ...options, pageToken });
    expect(page.items.length + page.prefixes.length).toBeLessThanOrEqual(options.maxResults);
    all.items.push(...page.items);
    all.prefixes.push(...page.prefixes);
    pageToken = page.nextPageToken;
  } while (pageToken);
  return all;
}

/** What the documentation says, without pages and without seeking. */
function model(objects: Generation[], options: ListOptions) {
  const bytes = (a: string, b: string) => Buffer.compare(Buffer.from(a), Buffer.from(b));
  const { prefix, delimiter, startOffset, endOffset } = options;
  const items: string[] = [];
  const prefixes = new Set<string>();
  for (const { name, generation } of objects.sort(
    (a, b) => bytes(a.name, b.name) || Number(a.generation) - Number(b.generation),
  )) {
    if (!name.startsWith(prefix)) continue;
    if (startOffset && bytes(name, startOffset) < 0) continue;
    if (endOffset && bytes(name, endOffset) >= 0) continue;
    const at = delimiter ? name.indexOf(delimiter, prefix.length) : -1;
    const folder = at < 0 ? undefined : name.slice(0, at + delimiter!.length);
    if (folder !== undefined) prefixes.add(folder);
    if (folder === undefined || (options.includeTrailingDelimiter && folder === name))
      items.push(`${name}#${generation}`);
  }
  return { items, prefixes: [...prefixes] };
}

const name = fc
  .array(fc.constantFrom("a", "b", "/", "//", "ä", "\uff00", "😀", " ", "\u0001", "\0"), { minLength: 1, maxLength: 5 })
  .map((parts) => parts.join(""));
const text = fc.option(name, { nil: undefined });

describe("listing", () => {
  it("answers in pages of any size what the documentation says", async () => {
    const cases = fc.record({
      live: fc.uniqueArray(name, { maxLength: 12 }),
      old: fc.array(fc.tuple(name, fc.integer({ min: 1, max: 50 })), { maxLength: 8 }),
      versions: fc.boolean(),
      prefix: fc.option(name, { nil: "" }),
      delimiter: fc.constantFrom(undefined, "/", "//", "b"),
      startOffset: text,
      endOffset: text,
      includeTrailingDelimiter: fc.boolean(),
      maxResults: fc.integer({ min: 1, max: 5 }),
    });
    await fc.assert(
      fc.asyncProperty(cases, async ({ live, old, versions, ...rest }) => {
        const object = (of: string, generation: number) => ({ name: of, generation: String(generation) }) as Generation;
        const current = live.map((of) => object(of, 100));
        const noncurrent = [
          ...new Map(old.map(([of, generation]) => [`${of}#${generation}`, object(of, generation)])).values(),
        ];
        const entries = [
          ...current.map((o): [string, Generation] => [objectKey(bucket, "live", o.name), o]),
          ...noncurrent.map((o): [string, Generation] => [objectKey(bucket, "noncurrent", o.name, o.generation), o]),
        ];
        const options: ListOptions = { ...rest, shelves: versions ? ["noncurrent", "live"] : ["live"], now };
        const page = await allPages(storeOf(entries), options);
        const expected = model(versions ? [...noncurrent, ...current] : current, options);
        expect({ items: page.items.map((o) => `${o.name}#${o.generation}`), prefixes: page.prefixes }).toEqual(
          expected,
        );
      }),
      { numRuns: 2000 },
    );
  });

  it.each([
    ["*.txt", ["a.txt"], ["a/b.txt", "a.csv"]],
    ["**.txt", ["a.txt", "a/b.txt"], ["a.csv"]],
    ["**/b.txt", ["b.txt", "a/b.txt", "a/c/b.txt"], ["ab.txt"]],
    ["a/*", ["a/b"], ["a/b/c", "a"]],
    ["a?c", ["abc"], ["a/c", "ac"]],
    ["[a-c]x", ["ax", "cx"], ["dx"]],
    ["[!a]x", ["bx"], ["ax", "/x"]],
    ["{foo,ba*}.x", ["foo.x", "bar.x"], ["fo.x"]],
    ["a\\*.(1)+$", ["a*.(1)+$"], ["ab.(1)+$"]],
  ])("matches the glob %s", (glob, yes, no) => {
    const pattern = globToRegExp(glob);
    expect([yes.filter((of) => !pattern.test(of)), no.filter((of) => pattern.test(of))]).toEqual([[], []]);
  });
});

describe("objects.list", () => {
  let s: TestStorage;
  beforeAll(async () => {
    s = await testStorage();
    await s.bucket("many");
    await s.bucket("folders");
    for (const name of ["a/1", "a/2", "b", "c/", "c/x"]) await s.put("folders", name);
  });
  afterAll(() => s.close());

  it("gives 1,003 objects in pages of at most 1,000", async () => {
    for (let start = 0; start < 1003; start += 51)
      await Promise.all(
        Array.from({ length: Math.min(51, 1003 - start) }, (_, n) =>
          s.put("many", `part-${String(start + n).padStart(5, "0")}`, "x"),
        ),
      );
    const first = (await s.send("GET", "/storage/v1/b/many/o?maxResults=5000")).json;
    expect(first.items).toHaveLength(1000);
    const second = (await s.send("GET", `/storage/v1/b/many/o?pageToken=${first.nextPageToken}`)).json;
    expect(second.items!.map((o) => o.name)).toEqual(["part-01000", "part-01001", "part-01002"]);
    expect(second).not.toHaveProperty("nextPageToken");
  }, 60_000);

  it("shows folders, and items that end in the delimiter where asked", async () => {
    const list = async (query: string) => (await s.send("GET", `/storage/v1/b/folders/o?${query}`)).json;
    expect(await list("delimiter=/")).toMatchObject({
      kind: "storage#objects",
      prefixes: ["a/", "c/"],
      items: [{ name: "b" }],
    });
    expect(await list("delimiter=/&includeTrailingDelimiter=true")).toMatchObject({
      prefixes: ["a/", "c/"],
      items: [{ name: "b" }, { name: "c/" }],
    });
    expect(await list("delimiter=/&prefix=a/")).toMatchObject({ items: [{ name: "a/1" }, { name: "a/2" }] });
    expect(await list("matchGlob=**/2")).toMatchObject({ items: [{ name: "a/2" }] });
    expect(await list("prefix=zzz")).toEqual({ kind: "storage#objects" });
    expect((await s.send("GET", "/storage/v1/b/folders/o?pageToken=wrong")).status).toBe(400);
    expect((await s.send("GET", "/storage/v1/b/folders/o?versions=true&softDeleted=true")).status).toBe(400);
    expect((await s.send("GET", "/storage/v1/b/nowhere/o")).status).toBe(404);
  });
});
