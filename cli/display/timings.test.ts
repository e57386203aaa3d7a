/** What each step waited for, reckoned from what was told. */
import { expect, test } from "@jest/globals";
import { stripVTControlCharacters } from "node:util";
import type { DeployEvent, StepEvent, StepKind } from "../../local/deploy";
import { timingText } from "./text";
import { timingsOf } from "./timings";

const step = (
  kind: StepKind,
  name: string,
  began: number,
  ms: number,
  needs: string[] = [],
  queued = 0,
): StepEvent => ({
  type: "step",
  state: "done",
  kind,
  urn: `urn:pulumi:s::p::a:m:T::${name}`,
  needs: needs.map((need) => `urn:pulumi:s::p::a:m:T::${need}`),
  preview: false,
  changes: [],
  began,
  ms,
  queued,
});
const short = (events: DeployEvent[]) =>
  timingsOf(events).map(({ urn, began, gap, after, critical }) => [
    urn.split("::").at(-1),
    began,
    gap,
    after?.split("::").at(-1),
    critical,
  ]);

test("a resource waits for the last of what it needs, and the chain to the last one is marked", () => {
  const events: DeployEvent[] = [
    { type: "phase", phase: "preview" },
    step("create", "old", 0, 5),
    { type: "phase", phase: "update" },
    step("create", "b", 100, 20),
    step("create", "a", 100, 50),
    step("create", "c", 200, 100, ["a", "b"], 30),
    step("create", "d", 130, 10, ["b"]),
  ];
  expect(short(events)).toEqual([
    ["b", 0, 0, undefined, false],
    ["a", 0, 0, undefined, true],
    ["d", 30, 10, "b", false],
    ["c", 100, 20, "a", true],
  ]);
});

test("a deletion waits for those of its dependents", () => {
  const events = [step("delete", "b", 0, 40, ["a"]), step("delete", "a", 41, 10)];
  expect(short(events)).toEqual([
    ["b", 0, 0, undefined, true],
    ["a", 41, 1, "b", true],
  ]);
});

test("a replacement waits for the deletion of its own before it", () => {
  const events = [step("delete-replaced", "a", 0, 30), step("create-replacement", "a", 30, 10)];
  expect(short(events)).toEqual([
    ["a", 0, 0, undefined, true],
    ["a", 30, 0, "a", true],
  ]);
});

test("what began before something ended did not wait for it, and what failed is not reckoned with", () => {
  const failed: StepEvent = { ...step("create", "x", 0, 90), state: "failed" };
  const events = [
    step("create", "a", 0, 50),
    failed,
    step("update", "b", 20, 10, ["a", "x"]),
    // Told a little late: its wait in the queue was longer than the gap.
    step("create", "c", 55, 5, ["b", "a"], 40),
  ];
  expect(short(events)).toEqual([
    ["a", 0, 0, undefined, true],
    ["b", 20, 20, undefined, false],
    ["c", 55, 0, "a", true],
  ]);
});

test("its line says when it began, how long it took and what it waited for", () => {
  const [, last] = timingsOf([step("create", "a", 0, 1200), step("create", "b", 2000, 300, ["a"], 100)]);
  expect(stripVTControlCharacters(timingText(last!))).toContain(
    "2.0 s   0.3 s  create a:m:T b  after a, 0.7 s in the program, 0.1 s in the queue",
  );
});
