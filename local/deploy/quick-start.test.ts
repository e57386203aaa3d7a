/** What is left out of the start of Pulumi's runtime: nothing of it is missed by a program that needs it. */
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { expect, test } from "@jest/globals";

/** What a program prints that is run by Node after Pulumi's source maps are on, as its runtime does. */
function printed(program: string, environment: Record<string, string> = {}): unknown {
  const words = ["--require", join(__dirname, "quick-start.cjs"), "--require", "source-map-support/register"];
  const text = execFileSync(process.execPath, [...words, "--eval", program], {
    cwd: __dirname,
    env: { ...process.env, ...environment },
    encoding: "utf8",
  });
  return JSON.parse(text);
}

const LOADED = `const loaded = () => ["typescript", "@npmcli/arborist"].filter((name) => require.resolve(name) in require.cache);`;

test("the serializer of functions comes with its first call and does its work", () => {
  const program = `${LOADED}
    const pulumi = require("@pulumi/pulumi");
    const before = loaded();
    pulumi.runtime.serializeFunction(() => 6 * 7).then(({ text }) => console.log(JSON.stringify({ before, after: loaded(), text })));`;
  expect(printed(program)).toEqual({ before: [], after: ["typescript"], text: expect.stringContaining("6 * 7") });
}, 60_000);

const PROMISE = `const { debuggablePromise } = require("@pulumi/pulumi/runtime/debuggable");
  const promise = Promise.resolve();
  debuggablePromise(promise, "a wait");
  function failing() { return new Error("as ever"); }
  console.log(JSON.stringify({ promise: promise._debugStackTrace.split("\\n").length, error: failing().stack.split("\\n").slice(0, 2) }));`;
const ERROR = ["Error: as ever", expect.stringMatching(/^ {4}at failing \(/)];

test("a promise's own stack is left out, an error's stays", () => {
  expect(printed(PROMISE)).toEqual({ promise: 1, error: ERROR });
});

test("a promise has its stack where leaks are looked for", () => {
  const { promise } = printed(PROMISE, { PULUMI_DEBUG_PROMISE_LEAKS: "1" }) as { promise: number };
  expect(promise).toBeGreaterThan(1);
});

test("what the runtime would tell of itself is not sent, what a program tells is", () => {
  const program = `
    const pulumi = require("@pulumi/pulumi");
    const told = [];
    const log = (request, done) => { told.push(request.getMessage()); done(); };
    const state = require("@pulumi/pulumi/runtime/state");
    global.asyncLocalStorage.run(new state.LocalStore(), async () => {
      state.getStore().settings.engine = { log };
      await Promise.all([pulumi.log.debug("unseen"), pulumi.log.warn("seen")]);
      console.log(JSON.stringify(told));
    });`;
  expect(printed(program)).toEqual(["seen"]);
});

test("Node's own loader loads the SDKs, whatever loader there is for the rest", () => {
  const program = `
    const { _extensions } = require("node:module");
    const own = _extensions[".js"];
    const seen = new Set();
    const nameOf = (file) => file.split("node_modules/").at(-1).split("/").slice(0, 2).join("/");
    _extensions[".js"] = (module, file) => (seen.add(nameOf(file)), own(module, file));
    require("@pulumi/pulumi");
    require("yaml");
    console.log(JSON.stringify(["@grpc/grpc-js", "google-protobuf/google", "yaml/dist", "semver/index.js"].filter((name) => seen.has(name))));`;
  expect(printed(program)).toEqual(["yaml/dist", "semver/index.js"]);
});
