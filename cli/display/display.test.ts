/** What a person sees: lines where output is kept, a tree that changes in place on a terminal. */
import { afterEach, expect, jest, test } from "@jest/globals";
import { stripVTControlCharacters } from "node:util";
import { makeDisplay } from "./display";
import type { DeployEvent, StepEvent, Summary } from "../../local/deploy";
import { secret, type Properties } from "../../local/deploy/values";

const step = (name: string, more: Partial<StepEvent>): StepEvent => ({
  type: "step",
  state: "done",
  kind: "create",
  urn: `urn:pulumi:s::p::a:m/m:T::${name}`,
  needs: [],
  preview: false,
  changes: [],
  ...more,
});
const STACK = "urn:pulumi:s::p::pulumi:pulumi:Stack::p-s";
const EVENTS: DeployEvent[] = [
  { type: "phase", phase: "update" },
  step("parent", { state: "started" }),
  step("parent", { ms: 1234 }),
  step("unchanged", { kind: "same" }),
  step("child", {
    kind: "update",
    parent: "urn:pulumi:s::p::a:m/m:T::parent",
    ms: 10,
    changes: [{ path: "word", kind: "update", old: "[secret]", new: "[secret]", replaces: true }],
  }),
  step("bad", { state: "failed", ms: 10, error: "refused" }),
  { type: "diagnostic", severity: "error", message: "refused", urn: "urn:pulumi:s::p::a:m/m:T::bad" },
  { type: "outputs", urn: STACK, outputs: { open: "a", hidden: secret("b") } },
];
const SUMMARY: Summary = {
  ...{ operation: "up", result: "failed", counts: { create: 1, update: 1, same: 1 } },
  ...{ outputs: {}, secretOutputs: [], errors: ["refused"], durations: { total: 2000 } },
};
afterEach(() => void jest.useRealTimers());

/** @param between called after each event */
function shown(kind: "tree" | "lines", events = EVENTS, between = () => {}): { raw: string; text: string } {
  const written: string[] = [];
  const display = makeDisplay(kind, { write: (text) => written.push(text), isTTY: true, columns: 100, rows: 40 });
  for (const event of events) {
    display.show(event);
    between();
  }
  display.close(SUMMARY);
  return { raw: written.join(""), text: stripVTControlCharacters(written.join("")) };
}

test("lines: one for each step that does something, its changes with secrets masked, nothing drawn over", () => {
  const { raw, text } = shown("lines");
  expect(text.split("\n")).toEqual([
    "Update",
    " +  a:m:T parent  created 1.2 s",
    " ~  a:m:T child  updated 0.0 s",
    '      ~ word: "[secret]" => "[secret]" (replaces)',
    " +  a:m:T bad  failed 0.0 s",
    "error: a:m/m:T bad: refused",
    "Outputs",
    "  hidden  [secret]",
    "  open    a",
    "Failed  1 created, 1 updated, 1 unchanged  2.0 s",
    "",
  ]);
  expect(raw).not.toContain("\x1b[0J");
});

test("tree: drawn over while steps run, children under their parents, and left standing at the end", () => {
  const { raw, text } = shown("tree");
  expect(raw).toContain("\x1b[0J");
  const last = text.slice(text.lastIndexOf(" +  a:m:T parent  created"));
  expect(last.split("\n").slice(0, 5)).toEqual([
    " +  a:m:T parent  created 1.2 s",
    "   ~  a:m:T child  updated 0.0 s",
    '        ~ word: "[secret]" => "[secret]" (replaces)',
    " +  a:m:T bad  failed 0.0 s",
    "     1 unchanged",
  ]);
  expect(text).not.toContain('"b"');
});

const PLAN: DeployEvent[] = [
  { type: "phase", phase: "plan" },
  ...["one", "two"].map((name) => step(name, { preview: true })),
  { type: "diagnostic", severity: "warning", message: "beware" },
  { type: "phase", phase: "update", planned: { create: 2, same: 1 } },
];

test.each(["lines", "tree"] as const)("%s: what an up does is written once, when it is done", (kind) => {
  const { text } = shown(kind, [...PLAN, step("one", { ms: 0 }), step("two", { ms: 0 })]);
  // A tree is drawn over what it has drawn: what is left at the end is what follows the last header.
  expect(text.slice(text.indexOf("Update")).split("\n").slice(0, 3)).toContain(" +  a:m:T one  created 0.0 s");
  expect(text).toContain("warning: beware\n");
  expect(text).toContain("Update  2 to create, 1 unchanged\n");
  if (kind === "lines") expect(text).not.toMatch(/ create$/m);
});

test("tree: the rows of a plan do not stay", () => {
  const { raw } = shown("tree", PLAN);
  const drawn = raw.indexOf("two");
  expect(drawn).toBeGreaterThan(0);
  expect(raw.indexOf("\x1b[0J", raw.lastIndexOf("two"))).toBeGreaterThan(drawn);
});

test("lines: while it takes long, every ten seconds one says how far it is and how long it takes", () => {
  jest.useFakeTimers();
  const planned = { create: 3, replace: 1, same: 9 };
  const steps = ["one", "two", "three", "four"].map((name) => step(name, {}));
  const replaced = steps.map((event): StepEvent => ({ ...event, kind: "create-replacement" })).at(-1)!;
  const told = [
    step("zero", { kind: "same" }),
    ...steps.slice(0, 3),
    step("four", { kind: "delete-replaced" }),
    replaced,
  ];
  const { text } = shown("lines", [{ type: "phase", phase: "update", planned }, ...told], () =>
    jest.advanceTimersByTime(10_000),
  );
  expect(text.split("\n").filter((line) => line.includes(" of "))).toEqual([
    "  1 of 4, about 90 s left",
    "  2 of 4, about 40 s left",
    "  3 of 4, about 17 s left",
    "  3 of 4, about 20 s left",
  ]);
});

test.each(["lines", "tree"] as const)("%s: after its end nothing is written any more", (kind) => {
  jest.useFakeTimers();
  const written: string[] = [];
  const display = makeDisplay(kind, { write: (text) => written.push(text), isTTY: true });
  for (const event of [...PLAN, step("one", {})]) display.show(event);
  display.close();
  const { length } = written;
  jest.advanceTimersByTime(60_000);
  expect(written).toHaveLength(length);
});

test("outputs: scalars whole and beside each other, lists and objects as far as they fit, with the command that shows all", () => {
  const many = Array.from({ length: 40 }, (_, i) => `item-${i}`);
  const outputs: Properties = {
    ...{ url: `https://${"long.".repeat(20)}example`, flag: true, empty: "", none: [], lines: "a\nb" },
    ...{ features: ["a", "b"], sealed: secret({ a: "opensesame" }), buckets: { code: "c", raw: "r" } },
    ...{
      many,
      nested: [{ a: 1 }, { a: 2 }],
      mixed: ["a", secret("opensesame")],
    },
  };
  const told: DeployEvent = { type: "outputs", urn: STACK, outputs };
  const { text } = shown("lines", [told]);
  expect(text.split("\n").slice(0, -2)).toEqual([
    "Outputs",
    "  buckets   2 values: code, raw",
    '  empty     ""',
    "  features  a, b",
    "  flag      true",
    '  lines     "a\\nb"',
    `  many      ${many.join(", ").slice(0, 85)}...`,
    "  mixed     a, [secret]",
    "  nested    2 values",
    "  none      []",
    "  sealed    [secret]",
    `  url       ${outputs.url as string}`,
    "  In full: npx sparklab state show p-s",
  ]);
  expect(shown("lines", [{ type: "phase", phase: "preview" }, told]).text).toContain("npx sparklab preview --json\n");
});
