/**
 * What the host does with a program, beside what Pulumi's published engine and documentation say that it does. Each row
 * is one small program in testdata/steps before and after a change, run by Pulumi's own Node runtime.
 */
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import type { StepEvent } from "./events";
import { ROWS } from "./testdata/steps/rows";
import { nameOf } from "./urn";
import { testLab, type TestLab, type TestRun } from "./testing";

const CASES = ROWS.map((row) => row.case).join(",");

describe("steps of a program, before and after a change", () => {
  let lab: TestLab;
  const runs: Record<"preview" | "before" | "again" | "after" | "last", TestRun> = {} as never;
  const at = (moment: "before" | "after") => ({ "steps:cases": CASES, "steps:moment": moment });

  beforeAll(async () => {
    lab = testLab("steps");
    runs.preview = await lab.run({ operation: "preview", config: at("before") });
    runs.before = await lab.run({ operation: "up", skipPreview: true, config: at("before") });
    runs.again = await lab.run({ operation: "up", config: at("before") });
  }, 120_000);
  afterAll(() => lab.close());

  test("a first preview writes nothing and knows what it cannot know", async () => {
    expect(runs.preview.summary).toMatchObject({
      result: "succeeded",
      outputs: { word: "opensesame" },
      secretOutputs: ["word"],
    });
    expect(runs.preview.summary.counts.create).toBe(runs.before.summary.counts.create);
  });

  test("a second up changes nothing and runs the program once", () => {
    expect(runs.again.summary).toMatchObject({
      result: "succeeded",
      counts: { same: runs.before.summary.counts.create },
    });
    expect(runs.again.steps).toEqual([]);
    expect(runs.again.summary.durations.update).toBeUndefined();
  });

  describe("after the change", () => {
    beforeAll(async () => {
      const before = await lab.resources();
      expect(before.find(({ urn }) => nameOf(urn) === "patient")?.customTimeouts).toEqual({ create: 5400 });
      runs.after = await lab.run({ operation: "up", config: at("after") });
      runs.last = await lab.run({ operation: "preview", config: at("after") });
    }, 120_000);

    test.each(ROWS)("$case: $changed, as $source says", ({ names, created, changed, ordered }) => {
      const of = (run: TestRun) => run.steps.filter((step) => names.test(step.split(" ")[1] ?? ""));
      expect(of(runs.before).sort()).toEqual([...created].sort());
      expect(ordered ? of(runs.after) : of(runs.after).sort()).toEqual(ordered ? changed : [...changed].sort());
    });

    test("each phase is told with what it is about to do", () => {
      const phases = ({ events }: TestRun) =>
        events.flatMap((event) => (event.type === "phase" ? [[event.phase, event.planned]] : []));
      expect(phases(runs.preview)).toEqual([["preview", undefined]]);
      expect(phases(runs.before)).toEqual([["update", undefined]]);
      expect(phases(runs.again)).toEqual([["plan", undefined]]);
      // The one that the preview cannot know to stay the same: see below.
      const { same = 0, update = 0, ...others } = runs.after.summary.counts;
      expect(phases(runs.after)).toEqual([
        ["plan", undefined],
        ["update", { ...others, same: same - 1, update: update + 1 }],
      ]);
    });

    test("the preview of an up foretells its steps", () => {
      const steps = (preview: boolean) =>
        runs.after.events
          .filter(
            (event): event is StepEvent => event.type === "step" && event.state === "done" && event.preview === preview,
          )
          .map(({ kind, urn }) => `${kind} ${nameOf(urn)}`)
          // Its input comes from what is replaced: only the update can see that it stays the same.
          .filter((step) => !step.endsWith(" adapts"))
          .sort();
      expect(steps(true)).toEqual(steps(false));
    });

    test("dependents of what is deleted first go before it and come after it", () => {
      const of = runs.after.steps.filter((step) => / (root|follows|follows-too)$/.test(step));
      expect(of).toEqual(ROWS.find((row) => row.case === "deleteBeforeReplace")?.changed);
    });

    test("what is left on disk is what the program declares, and what it retains or deletes with something else", () => {
      expect(lab.listFiles()).toContain("retained");
      expect(lab.listFiles()).toContain("keeps-1");
      expect(lab.listFiles()).toContain("part");
      expect(lab.listFiles()).not.toContain("whole");
      expect(lab.listFiles()).not.toContain("moves-1");
    });

    test("secrets are masked in changes and sealed in the state", async () => {
      const change = runs.after.events.find(
        (event): event is StepEvent =>
          event.type === "step" && nameOf(event.urn) === "hides" && event.kind === "update",
      );
      expect(change?.changes).toEqual([
        { path: "content", kind: "update", old: "[secret]", new: "[secret]", replaces: false },
      ]);
      expect(JSON.stringify(await lab.resources())).not.toContain("opensesame");
      const declared = (await lab.resources()).find(({ urn }) => nameOf(urn) === "declares");
      expect(declared?.outputs?.path).toHaveProperty("ciphertext");
      expect(declared?.outputs?.name).toBe("declares");
      const told = JSON.stringify(runs.after.events.filter(({ type }) => type !== "outputs"));
      expect(told.includes("opensesame")).toBe(false);
    });

    test("what a component puts out is kept, though nothing is done for it", async () => {
      const noted = (await lab.resources()).find(({ urn }) => nameOf(urn) === "noted");
      expect(noted?.outputs).toEqual({ note: "b" });
    });

    test("aliases keep the id and the state names the URN that was", async () => {
      const found = (await lab.resources()).find(({ urn }) => nameOf(urn) === "is");
      expect(found).toMatchObject({ id: "alias-urn", aliases: ["urn:pulumi:test::steps::files:index:File::was"] });
    });

    test("a further preview finds nothing to do", () => {
      expect(runs.last.steps).toEqual([]);
    });

    test("destroy leaves nothing, in the state and beyond, but what was retained", async () => {
      const { summary, steps, events } = await lab.run({ operation: "destroy" });
      expect(summary.result).toBe("succeeded");
      expect(events[0]).toEqual({ type: "phase", phase: "destroy", planned: { delete: steps.length } });
      // A child goes before its parent, everything before the stack.
      expect(steps.indexOf("delete child")).toBeLessThan(steps.indexOf("delete parent"));
      expect(steps.at(-1)).toBe("delete steps-test");
      expect(await lab.resources()).toEqual([]);
      expect(lab.listFiles()).toEqual(["keeps-1", "keeps-2", "part", "retained"]);
    }, 60_000);
  });
});
