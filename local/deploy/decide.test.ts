/** What is to be done for one resource, one row per rule, beside pkg/resource/deploy/step_generator.go of the engine. */
import { expect, test } from "@jest/globals";
import { decide, type Decision, type Question } from "./decide";
import type { Goal } from "./goal";
import type { Provider } from "./provider";
import type { ResourceState } from "./snapshot";
import { filesPackage } from "./testing";
import { isSecret, secret, UNKNOWN, type Properties, type Value } from "./values";

const TYPE = "files:index:File";
const urnOf = (name: string) => `urn:pulumi:test::steps::${TYPE}::${name}`;
const files = filesPackage("/nonexistent").configure({}, "/");
/** Draws a name where none is given, and keeps the one that was drawn. */
const drawing: Provider = {
  ...files,
  check: (_type, _urn, news, olds) => ({ inputs: { name: olds?.name ?? "drawn anew", ...news }, failures: [] }),
  diff: files.diff.bind(files),
  secrets: () => ["secretNote"],
};

const goal = (more: Partial<Goal> = {}): Goal => ({
  ...{ type: TYPE, name: "one", custom: true, properties: { name: "one", content: "a" } },
  ...{ dependencies: [], propertyDependencies: {}, providers: {}, ignoreChanges: [], replaceOnChanges: [] },
  ...{ additionalSecretOutputs: [], aliases: [], customTimeouts: {} },
  ...more,
});
const state = (more: Partial<ResourceState> = {}): ResourceState => ({
  ...{ urn: urnOf("one"), type: TYPE, custom: true, id: "one" },
  ...{ inputs: { name: "one", content: "a" }, outputs: { name: "one", content: "a" } },
  ...more,
});
const ask = (old: ResourceState | undefined, wanted = goal(), more: Partial<Question> = {}): Decision =>
  decide({
    ...{ goal: wanted, urn: urnOf("one"), provider: drawing, isReplaced: () => false },
    ...(old && { old: { key: 0, state: old } }),
    ...more,
  });
const moved = goal({ properties: { name: "two" } });

const rows: [rule: string, source: string, decision: () => Partial<Decision>, expected: Partial<Decision>][] = [
  ["nothing is there", "NewCreateStep", () => ask(undefined), { step: "create" }],
  ["all is as it was", '"no changes needed"', () => ask(state()), { step: "same", changes: [] }],
  [
    "what was deleted for its replacement is made",
    "old.PendingReplacement",
    () => ask(state({ pendingReplacement: true })),
    { step: "replace", deleteBeforeReplace: true, changes: [] },
  ],
  ["a failed initialisation is done again", "InitErrors", () => ask(state({ initErrors: ["x"] })), { step: "update" }],
  ["what is tainted is replaced", "Taint", () => ask(state({ taint: true })), { step: "replace" }],
  [
    "what is deleted with something replaced follows it",
    "DeletedWith",
    () => ask(state(), goal({ deletedWith: urnOf("whole") }), { isReplaced: (urn) => urn === urnOf("whole") }),
    { step: "replace" },
  ],
  [
    "what is deleted with something else stays",
    "DeletedWith",
    () => ask(state(), goal({ deletedWith: urnOf("whole") }), { isReplaced: (urn) => urn === urnOf("other") }),
    { step: "same" },
  ],
  ["what replaces makes anew first", '"the default mode"', () => ask(state(), moved), { deleteBeforeReplace: false }],
  [
    "the program may ask to delete first",
    "DeleteBeforeReplace",
    () => ask(state(), { ...moved, deleteBeforeReplace: true }),
    { step: "replace", deleteBeforeReplace: true },
  ],
  [
    "protection that the program takes away does not hold",
    "Protect",
    () => ask(state({ protect: true }), moved),
    { step: "replace", problems: [] },
  ],
  [
    "protection that the program adds does not hold yet",
    "Protect",
    () => ask(state(), { ...moved, protect: true }),
    { step: "replace", problems: [] },
  ],
  [
    "what is protected is not replaced",
    "Protect",
    () => ask(state({ protect: true }), { ...moved, protect: true }),
    { problems: ["is protected and cannot be replaced. Remove `protect` from it and run up again."] },
  ],
  [
    "a component with an input that is not known yet changes",
    "NewUpdateStep",
    () =>
      ask(state({ custom: false, inputs: { name: UNKNOWN } }), goal({ custom: false, properties: { name: UNKNOWN } }), {
        provider: undefined,
      }),
    { step: "update" },
  ],
];

test.each(rows)("%s (%s)", (_, __, decision, expected) => {
  expect(decision()).toMatchObject(expected);
});

test("a name that was drawn is kept, and drawn again for a replacement", () => {
  const old = state({ inputs: { name: "drawn once", kind: "a" } });
  const kept = ask(old, goal({ properties: { kind: "a" } }));
  expect([kept.step, kept.state.inputs?.name]).toEqual(["same", "drawn once"]);
  const replaced = ask(old, goal({ properties: { kind: "b" } }));
  expect([replaced.step, replaced.state.inputs?.name]).toEqual(["replace", "drawn anew"]);
});

test("what is secret by nature is sealed whatever the program says", () => {
  const { inputs } = ask(undefined, goal({ properties: { name: "one", secretNote: "opensesame" } })).state;
  expect([isSecret(inputs!.secretNote), isSecret(inputs!.name)]).toEqual([true, false]);
});

test.each([
  ["is a secret", secret("a"), secret("b")],
  ["becomes one", "a", secret("b")],
  ["was one", secret("a"), "b"],
])("the value of what %s is masked in changes", (_, before, after) => {
  const inputs = (content: Value): Properties => ({ name: "one", content });
  const { changes } = ask(state({ inputs: inputs(before) }), goal({ properties: inputs(after) }));
  expect(changes).toEqual([expect.objectContaining({ path: "content", old: "[secret]", new: "[secret]" })]);
});
