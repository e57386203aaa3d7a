/** Policy packs as `pulumi preview --policy-pack` runs them: a real pack, started by Pulumi's own runtime. */
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
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
    const folder = mkdtempSync(join(tmpdir(), "policy-"));
    writeFileSync(join(folder, "package.json"), '{ "version": "1.0.0", "main": "index.js" }');
    for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
    symlinkSync(join(__dirname, "../../node_modules"), join(folder, "node_modules"));
    await expect(run("policyAdvises", folder)).rejects.toThrow(message);
    rmSync(folder, { recursive: true });
  },
  60_000,
);
