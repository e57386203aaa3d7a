/** What the host refuses, when, and what it leaves behind when something fails. */
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readFileSync, unlinkSync, utimesSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { startedAt } from "../process";
import { nameOf } from "./urn";
import { testLab, type TestLab } from "./testing";

let lab: TestLab;
beforeEach(() => {
  lab = testLab("steps");
});
afterEach(() => lab.close());

const up = (program: string, moment: "before" | "after" = "before") =>
  lab.run({ operation: "up", config: { "steps:cases": program, "steps:moment": moment } });
/** An up whose preview is no part of the test. */
const prepare = (program: string, moment: "before" | "after" = "before") =>
  lab.run({ operation: "up", skipPreview: true, config: { "steps:cases": program, "steps:moment": moment } });
const names = async () =>
  (await lab.resources()).map(({ urn }) => nameOf(urn)).filter((name) => !/^(default|steps-test)/.test(name));

describe("before the first change", () => {
  test.each([
    ["unknownType", "files:index:Link: cannot be deployed here; can be: files:index:File, files:index:read"],
    ["unknownProperty", "color: cannot be deployed here; can be: name"],
    ["duplicate", "two resources of this type have this name"],
    ["transforms", "does not support transforms"],
    ["invokesUnknown", "files:index:link: cannot be deployed here"],
    ["reads", "seen [files:index:File]: what another owns (get, StackReference) cannot be used here"],
  ])(
    "refuses %s",
    async (program, message) => {
      const { summary } = await up(program);
      expect(summary).toMatchObject({ result: "failed" });
      expect(summary.errors.join("\n")).toContain(message);
      expect(lab.listFiles()).toEqual([]);
      expect(await lab.resources()).toEqual([]);
    },
    60_000,
  );

  test.each([
    ["protected", "Protected resources would be deleted"],
    ["protectedReplacement", "is protected and cannot be replaced"],
    ["aliasTwice", "belongs to another resource of this program. Remove one of the two aliases."],
  ])(
    "refuses what would lose something: %s",
    async (program, message) => {
      await prepare(program);
      const { summary } = await up(program, "after");
      expect(summary.errors.join("\n")).toContain(message);
      expect(lab.listFiles()).toEqual(["first"]);
    },
    60_000,
  );

  test("refuses to replace what a protected resource goes with", async () => {
    await prepare("protectedDependent");
    const { summary } = await up("protectedDependent", "after");
    expect(summary.errors.join("\n")).toMatch(/first: cannot be replaced:\n.*::part depends on it and is protected/);
    expect(lab.listFiles()).toEqual(["first", "part"]);
  }, 60_000);

  test("names all missing configuration at once", async () => {
    await expect(lab.run({ operation: "up" })).rejects.toThrow(
      /steps:cases: got nothing; expected string[^]*steps:moment: got nothing/,
    );
  });

  test("names who holds the stack, and takes over from the dead", async () => {
    const folder = join(lab.folder, "stacks");
    mkdirSync(folder, { recursive: true });
    const holder = spawn(process.execPath, ["-e", "setTimeout(() => {}, 60000)"]);
    const began = startedAt(holder.pid!);
    const lock = {
      pid: holder.pid,
      began,
      host: hostname(),
      user: "ada",
      operation: "up test",
      since: "2026-01-01T00:00:00Z",
    };
    writeFileSync(join(folder, "test.lock"), JSON.stringify(lock));
    await expect(up("same")).rejects.toThrow(`"up test" by ada@${hostname()} (process ${holder.pid})`);
    holder.kill("SIGKILL");
    await once(holder, "exit");
    expect((await prepare("same")).summary.result).toBe("succeeded");
  }, 60_000);
});

describe("when something fails", () => {
  test("keeps what was made, begins nothing else, and goes on from there", async () => {
    const failed = await prepare("failingCreate");
    expect(failed.summary).toMatchObject({
      result: "failed",
      errors: ["files:index:File bad: file bad: refused as asked"],
    });
    expect(await names()).toEqual(["first"]);
    const mended = await prepare("failingCreate", "after");
    expect(mended.summary.result).toBe("succeeded");
    expect(mended.steps).toEqual(["create bad"]);
    expect(lab.listFiles()).toEqual(["bad", "first"]);
  }, 60_000);

  test("tells the error once, and nothing of what the program says about its engine having stopped", async () => {
    const { summary, events } = await prepare("failingAmongMany");
    expect(summary.errors).toEqual(["files:index:File bad: file bad: refused as asked"]);
    const told = events.flatMap((event) => (event.type === "diagnostic" ? [event.message] : []));
    expect(told).toEqual(["file bad: refused as asked"]);
  }, 60_000);

  test("a function that fails, or is given what it does not know, is the program's to handle", async () => {
    const { summary } = await prepare("failingInvoke");
    const failed = "invocation of files:index:read returned an error: read: got no name";
    expect(summary).toMatchObject({
      result: "succeeded",
      errors: [],
      outputs: { failed, refused: "Invoke of 'files:index:read' failed: cannot be used here (color)" },
    });
    expect((await lab.resources()).find(({ id }) => id === "first")?.inputs?.content).toBe(failed);
    const uncaught = await prepare("failingInvoke", "after");
    expect(uncaught.summary.result).toBe("failed");
    expect(uncaught.summary.errors.join("\n")).toContain(failed);
    expect(lab.listFiles()).toEqual(["first"]);
  }, 60_000);

  test("an error that a program only logs is told, and stops nothing", async () => {
    const { summary } = await prepare("logsError");
    expect(summary).toMatchObject({ result: "succeeded", errors: ["logged on the way"] });
    expect(lab.listFiles()).toEqual(["first", "second"]);
  }, 60_000);

  test("deletes nothing when the program throws", async () => {
    await prepare("throws");
    const { summary } = await prepare("throws", "after");
    expect(summary.result).toBe("failed");
    expect(summary.errors.join("\n")).toContain("the program is broken");
    expect(lab.listFiles()).toEqual(["first"]);
  }, 60_000);

  test("stops on request after the steps in flight, and goes on when asked again", async () => {
    const controller = new AbortController();
    const config = { "steps:cases": "dependsOn", "steps:moment": "before" };
    const stopped = await lab.run({
      operation: "up",
      skipPreview: true,
      config,
      signal: controller.signal,
      onEvent: (event) => {
        if (event.type === "step" && !event.preview && event.state === "started" && nameOf(event.urn) === "first")
          controller.abort();
      },
    });
    expect(stopped.summary).toMatchObject({ result: "cancelled", errors: [] });
    expect(await names()).toEqual(["first"]);
    expect((await prepare("dependsOn")).steps).toEqual(["create second"]);
  }, 60_000);
});

describe("refresh", () => {
  test("tells what the service alone decides as no change, takes it over, and writes nothing where nothing is new", async () => {
    await prepare("dependsOn");
    utimesSync(join(lab.files, "first"), 1, 1);
    const refresh = () => lab.run({ operation: "refresh", expectNoChanges: true });
    expect((await refresh()).summary).toMatchObject({ result: "succeeded", counts: { same: 2 } });
    const after = await lab.resources();
    expect(after.find(({ id }) => id === "first")?.outputs?.etag).toBe("1000");
    expect((await refresh()).steps).toEqual(["refresh first", "refresh second"]);
    expect(await lab.resources()).toEqual(after);
  }, 60_000);

  test("tells what ignoreChanges covers as no change, and the next up keeps it", async () => {
    await prepare("ignoreChanges");
    writeFileSync(
      join(lab.files, "ignores"),
      JSON.stringify({ name: "ignores", content: "by hand", tags: { kept: "1", other: "1" } }),
    );
    expect((await lab.run({ operation: "refresh" })).summary.counts).toEqual({ same: 1 });
    expect((await lab.resources()).find(({ id }) => id === "ignores")?.inputs?.content).toBe("by hand");
    expect(
      (await lab.run({ operation: "up", config: { "steps:cases": "ignoreChanges", "steps:moment": "after" } })).steps,
    ).toEqual([]);
  }, 60_000);

  test("is a failure where no changes were expected", async () => {
    await prepare("same");
    writeFileSync(join(lab.files, "same"), JSON.stringify({ name: "same", content: "other", tags: { a: "b" } }));
    const { summary } = await lab.run({ operation: "refresh", dryRun: true, expectNoChanges: true });
    expect(summary).toMatchObject({ result: "failed", errors: ["no changes were expected: got 1 to update"] });
  }, 60_000);

  test("before an up shows and mends what drifted", async () => {
    await prepare("same");
    writeFileSync(join(lab.files, "same"), JSON.stringify({ name: "same", content: "other", tags: { a: "b" } }));
    const config = { "steps:cases": "same", "steps:moment": "before" };
    expect((await lab.run({ operation: "up", config })).steps).toEqual([]);
    expect((await lab.run({ operation: "preview", refresh: true, config })).steps).toEqual([
      "refresh same",
      "update same",
    ]);
    expect((await lab.run({ operation: "up", refresh: true, config })).steps).toEqual(["refresh same", "update same"]);
    expect(JSON.parse(readFileSync(join(lab.files, "same"), "utf8"))).toMatchObject({ content: "a" });
  }, 60_000);
});

describe("beside the program", () => {
  test("tells what the program prints and logs, without secret configuration", async () => {
    const config = { "steps:cases": "tells", "steps:moment": "before", "steps:word": "opensesame" };
    const { events } = await lab.run({ operation: "preview", config });
    const told = events.flatMap((event) => (event.type === "diagnostic" ? [`${event.severity} ${event.message}`] : []));
    const expected = ["info the word is opensesame", "info the secret is [secret]", "warning beware"];
    expect(told).toEqual(expect.arrayContaining(expected));
  }, 60_000);

  test("refresh takes over what changed behind it and drops what is gone", async () => {
    await prepare("dependsOn");
    writeFileSync(join(lab.files, "first"), JSON.stringify({ name: "first", content: "by hand" }));
    unlinkSync(join(lab.files, "second"));
    const found = await lab.drift();
    expect(found.drift).toEqual([
      {
        urn: expect.stringContaining("::first"),
        kind: "changed",
        changes: [{ path: "content", kind: "add", old: undefined, new: "by hand", replaces: false }],
      },
      { urn: expect.stringContaining("::second"), kind: "gone", changes: expect.anything() },
    ]);
    expect(found.summary).toMatchObject({ result: "succeeded", counts: { update: 1, delete: 1 } });
    expect((await lab.run({ operation: "refresh" })).summary.counts).toEqual({ update: 1, delete: 1 });
    expect(await names()).toEqual(["first"]);
    expect((await lab.run({ operation: "refresh" })).summary.counts).toEqual({ same: 1 });
    expect((await prepare("dependsOn")).steps).toEqual(["update first", "create second"]);
  }, 60_000);
});
