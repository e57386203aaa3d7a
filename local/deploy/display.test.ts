/** What a person sees: lines where output is kept, a tree that changes in place on a terminal. */
import { expect, test } from "@jest/globals";
import { stripVTControlCharacters } from "node:util";
import { makeDisplay } from "./display";
import type { DeployEvent, StepEvent } from "./events";
import { secret } from "./values";

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
  { type: "outputs", outputs: { open: "a", hidden: secret("b") } },
];

function shown(kind: "tree" | "lines"): { raw: string; text: string } {
  const written: string[] = [];
  const display = makeDisplay(kind, { write: (text) => written.push(text), isTTY: true, columns: 100, rows: 40 });
  for (const event of EVENTS) display.show(event);
  display.close({
    operation: "up",
    result: "failed",
    failed: true,
    counts: { create: 1, update: 1, same: 1 },
    outputs: {},
    secretOutputs: [],
    errors: ["refused"],
    durations: { total: 2000 },
  });
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
    "  hidden: [secret]",
    '  open: "a"',
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
