/** Property values, paths, assets' hashes. */
import { describe, expect, test } from "@jest/globals";
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { contentOf, withHashes } from "./assets";
import {
  annotate,
  ARCHIVE,
  ASSET,
  covers,
  equal,
  formatPath,
  parsePath,
  peek,
  reset,
  secret,
  SIGNATURE,
  type Properties,
  type Value,
} from "./values";

const asset = (text: string): Properties => ({ [SIGNATURE]: ASSET, text });
const archive = (assets: Properties): Properties => ({ [SIGNATURE]: ARCHIVE, assets });

describe("paths", () => {
  test.each([
    ["a.b[0]", ["a", "b", 0]],
    ['a["x.y"].c', ["a", "x.y", "c"]],
    ["rules[*].age", ["rules", "*", "age"]],
    ['["goog-x"]', ["goog-x"]],
  ])("%s is read", (path, parts) => expect(parsePath(path)).toEqual(parts));

  test("what is written is read back", () => {
    const part = fc.oneof(
      fc.nat(99),
      fc.string({ minLength: 1 }).filter((text) => text !== "*"),
    );
    fc.assert(
      fc.property(
        fc.string({ minLength: 1 }).filter((text) => text !== "*"),
        fc.array(part),
        (head, rest) => {
          expect(parsePath(formatPath([head, ...rest]))).toEqual([head, ...rest]);
        },
      ),
    );
  });

  test("a malformed one is refused with its place", () => expect(() => parsePath("a[x]")).toThrow('unexpected "[x]"'));
  test("a star covers any part", () =>
    expect([covers(["a", "*"], ["a", 3, "b"]), covers(["a", "b"], ["a"])]).toEqual([true, false]));
});

describe("values", () => {
  test("ignored changes come back at their path only, as the engine resets them", () => {
    const [old, now]: Value[] = [
      { a: { kept: 1, other: 1 }, list: [1, 2] },
      { a: { kept: 2, other: 2, new: 3 }, list: [7, 8, 9] },
    ];
    expect(reset(old, now!, ["a", "kept"])).toEqual({ a: { kept: 1, other: 2, new: 3 }, list: [7, 8, 9] });
    expect(reset(old, now!, ["list", "*"])).toEqual({ a: { kept: 2, other: 2, new: 3 }, list: [1, 2, 9] });
    expect(reset(old, now!, ["a", "new"])).toEqual({ a: { kept: 2, other: 2 }, list: [7, 8, 9] });
  });

  test("secrets are carried to the same place, and shown nowhere", () => {
    const like: Properties = { a: { b: secret("x") }, c: "y" };
    expect(annotate({ a: { b: "x" }, c: "y", d: "z" }, like)).toEqual({ a: { b: secret("x") }, c: "y", d: "z" });
    expect([peek(like, ["a", "b"]), peek(like, ["a"]), peek(like, ["c"])]).toEqual([
      "[secret]",
      { b: "[secret]" },
      "y",
    ]);
  });

  test("assets are equal by content, whatever their path", () => {
    expect(equal({ ...asset("a"), hash: "1" }, { [SIGNATURE]: ASSET, path: "b", hash: "1" })).toBe(true);
    expect(equal({ ...asset("a"), hash: "1" }, { ...asset("a"), hash: "2" })).toBe(false);
  });
});

describe("assets", () => {
  const hash = async (value: Properties, root = tmpdir()) =>
    ((await withHashes({ value }, root)) as { value: { hash: string } }).value.hash;

  test("text is hashed as it is", async () => {
    expect(await hash(asset("hello"))).toBe("2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824");
    expect(await hash(asset(""))).toBe("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  });

  // Made with Go's archive/tar, which the engine uses: Header{Name, Mode: 0o600, Size}.
  test.each([
    [
      { "a.txt": asset("hello"), more: archive({ "b.txt": asset("b") }) },
      "1cc02ef49b91ca85c7f3e6eb409cc7eab79650b4afedc02783aa7f7b0d5eea76",
    ],
    [
      { [`${"d".repeat(60)}/${"e".repeat(60)}/f.txt`]: asset("x".repeat(512)) },
      "7d4ec17f7c167555641f707a3340735cd5960376d0e5673d57d203beefd6d021",
    ],
    [{}, "5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef"],
  ])("an archive is hashed as the tar that Go writes of it (%#)", async (assets, expected) =>
    expect(await hash(archive(assets))).toBe(expected),
  );

  test("a folder equals the archive of its files", async () => {
    const root = mkdtempSync(join(tmpdir(), "assets-"));
    writeFileSync(join(root, "a.txt"), "hello");
    expect(await hash({ [SIGNATURE]: ARCHIVE, path: "." }, root)).toBe(
      await hash(archive({ "a.txt": asset("hello") })),
    );
  });

  test("an archive is uploaded as the same zip every time", async () => {
    const bytes = async () => {
      const parts: Uint8Array[] = [];
      for await (const part of (await contentOf(archive({ "a.txt": asset("hello") }), tmpdir())).chunks())
        parts.push(part);
      return Buffer.concat(parts).toString("hex");
    };
    expect(await bytes()).toBe(await bytes());
    expect(
      Buffer.from(await bytes(), "hex")
        .subarray(0, 2)
        .toString(),
    ).toBe("PK");
  });

  test("a missing file is named", async () => {
    await expect(hash({ [SIGNATURE]: ASSET, path: "nowhere.txt" }, "/tmp")).rejects.toThrow(
      "asset /tmp/nowhere.txt: no such file",
    );
  });
});
