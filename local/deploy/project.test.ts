/** Projects and configuration, as the Pulumi CLI reads them. */
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readProject, readStackConfig } from "./project";
import type { Crypter } from "./secrets";

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "project-"));
});
afterEach(() => rmSync(root, { recursive: true }));

const write = (name: string, text: string) => writeFileSync(join(root, name), text);
const crypter: Crypter = { salt: "v1:s", encrypt: (text) => text, decrypt: (sealed) => sealed.replace("v1:", "open ") };
const read = async (overrides: Record<string, string> = {}, complete = true) =>
  readStackConfig(await readProject(root), "test", { crypter: async () => crypter, overrides, complete });

const PROJECT = `
name: demo
runtime: { name: nodejs, options: { typescript: false, nodeargs: "--import tsx" } }
config:
  greeting: hello
  count: { type: integer }
  names: { type: array, items: { type: string }, default: [] }
  gcp:region: { value: us-central1 }
`;

test("values come from the stack's file, the declarations' defaults and the command line, which goes first", async () => {
  write("Pulumi.yaml", PROJECT);
  write("Pulumi.test.yaml", "config: { count: 3, 'demo:names': [a, b], other: { deep: true } }");
  expect(await read({ greeting: "hi" })).toEqual({
    values: {
      "demo:greeting": "hi",
      "demo:count": "3",
      "demo:names": '["a","b"]',
      "demo:other": '{"deep":true}',
      "gcp:region": "us-central1",
    },
    secretKeys: [],
  });
  expect((await read({ names: '["c"]' })).values["demo:names"]).toBe('["c"]');
});

test("sealed values are opened, and what holds one is secret as a whole", async () => {
  write("Pulumi.yaml", PROJECT);
  write(
    "Pulumi.test.yaml",
    "encryptionsalt: v1:s\nconfig: { count: { secure: v1:1 }, nested: { a: [{ secure: v1:x }], b: c } }",
  );
  const config = await read({ count: "1" });
  expect(config.secretKeys).toEqual(["demo:count", "demo:nested"]);
  expect(config.values["demo:nested"]).toBe('{"a":["open x"],"b":"c"}');
  expect(config.salt).toBe("v1:s");
});

test("what is declared to be secret is, wherever its value comes from", async () => {
  write("Pulumi.yaml", "name: demo\nruntime: nodejs\nconfig: { word: { secret: true, default: hush }, open: hello }");
  expect(await read()).toMatchObject({ values: { "demo:word": "hush" }, secretKeys: ["demo:word"] });
});

test("all problems are named at once, with the command that mends them", async () => {
  write("Pulumi.yaml", PROJECT);
  write("Pulumi.test.yaml", "config: { names: oops }");
  await expect(read()).rejects.toThrow(
    [
      'Configuration of stack "test":',
      "  - demo:count: got nothing; expected integer. pulumi config set demo:count <value> -s test",
      '  - demo:names: got "oops"; expected a list. pulumi config set demo:names <value> -s test',
    ].join("\n"),
  );
  expect((await read({}, false)).values["demo:greeting"]).toBe("hello");
  await expect(read({ count: "many", names: '["a",{"b":1}]' })).rejects.toThrow(
    /count: got "many"; expected an integer[^]*names: got {"b":1}; expected a string/,
  );
});

test.each([
  ["name: demo\nruntime: python", "runtime: got python; only nodejs can be deployed here"],
  ["runtime: nodejs", "name: "],
  ["name: demo\nruntime: { name: nodejs, options: { buildTarget: x } }", "runtime.options: Unrecognized key"],
])("a project that cannot be run here is refused: %j", async (text, message) => {
  write("Pulumi.yaml", text);
  await expect(readProject(root)).rejects.toThrow(message);
});

test("what is no project is named, and what a stack file asks for beyond this is refused", async () => {
  await expect(readProject(root)).rejects.toThrow("no such file; expected a Pulumi project");
  write("Pulumi.yaml", PROJECT);
  write("Pulumi.test.yaml", "environment: [prod]");
  await expect(read()).rejects.toThrow("ESC environments cannot be used here");
  write("Pulumi.test.yaml", "secretsprovider: awskms://x");
  await expect(read()).rejects.toThrow("secretsprovider: got awskms://x");
});
