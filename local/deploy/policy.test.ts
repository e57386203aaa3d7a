/** Policy packs as `pulumi preview --policy-pack` runs them: a real pack, started by Pulumi's own runtime. */
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isRunning } from "../process";
import { nameOf } from "./urn";
import { testLab, type TestLab } from "./testing";

let lab: TestLab;
beforeEach(() => {
  lab = testLab("steps");
});
afterEach(() => lab.close());

const pack = join(__dirname, "testdata/policy");
const run = async (program: string, folder = pack) => {
  const config = { "steps:cases": program, "steps:moment": "before" };
  const { summary, events } = await lab.run({ operation: "up", skipPreview: true, policyPacks: [folder], config });
  const told = events.flatMap((event) => (event.type === "diagnostic" ? [event] : []));
  return { summary, warnings: told.filter(({ severity }) => severity === "warning") };
};

test("an advisory violation is told once, and everything is made", async () => {
  const { summary, warnings } = await run("policyAdvises");
  expect(summary.errors).toEqual([]);
  expect(warnings.map(({ message, urn }) => [nameOf(urn ?? ""), message])).toEqual([
    ["plain", "[advisory] trial@v1.0.0, tagged: Files should have tags.\nAdd tags."],
  ]);
  expect(lab.listFiles()).toEqual(["plain"]);
}, 60_000);

test("mandatory violations of resources and of the stack are all told before the first change", async () => {
  const { summary } = await run("policyForbids");
  expect(summary.result).toBe("failed");
  expect(summary.errors).toEqual([
    expect.stringContaining('no-forbidden-words: Files must not hold forbidden words.\nIt holds "secretive".'),
    expect.stringContaining("few-files: A stack has few files.\nIt has 3."),
    expect.stringContaining("Mandatory policies are violated"),
  ]);
  expect(lab.listFiles()).toEqual([]);
}, 60_000);

test.each([
  ["policyForbidsOne", "before the first change, though all before it is allowed", []],
  ["policyForbidsLate", "as soon as an update knows what it violates", ["secretive"]],
])(
  "a mandatory violation stops %s %s",
  async (program, _, made) => {
    const { summary } = await run(program);
    expect(summary.result).toBe("failed");
    expect(summary.errors[0]).toContain("no-forbidden-words: Files must not hold forbidden words.");
    expect(lab.listFiles()).toEqual(made);
  },
  60_000,
);

test("what the provider refuses is no policy's business", async () => {
  const { summary, warnings } = await run("unknownProperty");
  expect(summary.errors.join("\n")).toContain("color: cannot be deployed here");
  expect([...summary.errors, ...warnings.map(({ message }) => message)].join("\n")).not.toContain("trial@v1.0.0");
}, 60_000);

test("packs that began to serve end with the one that does not", async () => {
  const note = join(lab.folder, "pid");
  const serving = packOf({
    "index.js": `
      require("node:fs").writeFileSync(${JSON.stringify(note)}, String(process.pid));
      new (require("@pulumi/policy").PolicyPack)("serving", { policies: [] });`,
  });
  const broken = packOf({ "index.js": 'throw new Error("broken pack")' });
  const config = { "steps:cases": "policyAdvises", "steps:moment": "before" };
  await expect(lab.run({ operation: "up", policyPacks: [serving, broken], config })).rejects.toThrow("broken pack");
  expect(isRunning(Number(readFileSync(note, "utf8")))).toBe(false);
  for (const folder of [serving, broken]) rmSync(folder, { recursive: true });
}, 60_000);

/** A pack of plain files in a folder of its own. */
function packOf(files: Record<string, string>): string {
  const folder = mkdtempSync(join(tmpdir(), "policy-"));
  for (const [name, text] of Object.entries({ "PulumiPolicy.yaml": "runtime: nodejs", ...files }))
    writeFileSync(join(folder, name), text);
  if (!("package.json" in files))
    writeFileSync(join(folder, "package.json"), '{ "version": "1.0.0", "main": "index.js" }');
  symlinkSync(join(__dirname, "../../node_modules"), join(folder, "node_modules"));
  return folder;
}

test("a pack sees a resource's options, provider and what it depends on, and no more than its properties", async () => {
  // What it has seen is what it tells, of a policy for resources and of one for the whole stack.
  const folder = packOf({
    "elsewhere.js": `
      const { PolicyPack } = require("@pulumi/policy");
      const pulumi = require("@pulumi/pulumi");
      const see = (name, { opts, provider, props, ...more }) => [name, opts.protect, opts.ignoreChanges,
        opts.customTimeouts.createSeconds, provider?.name, Object.keys(props).sort(), Object.keys(props.tags ?? {}),
        pulumi.getStack() + " " + new pulumi.Config("steps").get("moment"), more.seen];
      new PolicyPack("seeing", { policies: [
        { name: "each", description: "each", enforcementLevel: "advisory",
          validateResource: (args, report) => args.type === "files:index:File" && report(JSON.stringify(see(args.name, args))) },
        { name: "whole", description: "whole", enforcementLevel: "advisory",
          validateStack: ({ resources }, report) => resources.filter(({ type }) => type === "files:index:File").forEach((one) =>
            report(JSON.stringify(see(one.name, { ...one, seen: [one.dependencies.map(({ name }) => name),
              Object.entries(one.propertyDependencies).map(([key, on]) => [key, on.map(({ name }) => name)])] })), one.urn)) },
      ] });`,
    "PulumiPolicy.yaml": "runtime: nodejs\nmain: elsewhere.js",
  });
  const { summary, warnings } = await run("policySees", folder);
  expect(summary.errors).toEqual([]);
  const seen = warnings.map(({ message }) => JSON.parse(message.slice(message.indexOf("\n") + 1)) as unknown[]);
  const rest = ["test before"];
  const written = ["etag", "name", "path", "size"];
  expect(seen).toEqual([
    ["first", false, [], 0, "own", ["name", "tags"], ["seen"], ...rest, null],
    ["second", true, ["content"], 60, "own", ["content", "name"], [], ...rest, null],
    ["first", false, [], 0, "own", [...written, "tags"], ["seen"], ...rest, [[], []]],
    [
      "second",
      true,
      ["content"],
      60,
      "own",
      ["content", ...written],
      [],
      ...rest,
      [["first"], [["content", ["first"]]]],
    ],
  ]);
  rmSync(folder, { recursive: true });
}, 60_000);

test("a policy that throws has decided nothing: the operation fails with what it threw", async () => {
  const folder = packOf({
    "index.js": `
      const { PolicyPack } = require("@pulumi/policy");
      new PolicyPack("broken", { policies: [{ name: "breaks", description: "breaks", enforcementLevel: "advisory",
        validateResource: () => { throw new Error("no idea"); } }] });`,
  });
  const { summary } = await run("policyAdvises", folder);
  expect(summary.result).toBe("failed");
  expect(summary.errors.join("\n")).toContain("no idea");
  expect(lab.listFiles()).toEqual([]);
  rmSync(folder, { recursive: true });
}, 60_000);

test.each([
  ["no pack", {}, "PulumiPolicy.yaml: no such file; expected a policy pack"],
  ["another runtime", { "PulumiPolicy.yaml": "runtime: python" }, "runtime: Invalid input"],
  [
    "a pack that throws",
    { "PulumiPolicy.yaml": "runtime: nodejs", "index.js": 'throw new Error("broken pack")' },
    /ended with exit code \d+ before it served[^]*broken pack/,
  ],
])(
  "%s is refused before the program runs",
  async (_, files, message) => {
    const folder = packOf({});
    rmSync(join(folder, "PulumiPolicy.yaml"));
    for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
    await expect(run("policyAdvises", folder)).rejects.toThrow(message);
    rmSync(folder, { recursive: true });
  },
  60_000,
);
