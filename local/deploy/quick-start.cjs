/**
 * Loaded into the program before Pulumi's runtime: leaves out two things that the runtime does at its start and hardly
 * any program has use for. Together they are about a third of what a program of some hundred resources takes.
 *
 * - Its serializer of functions brings TypeScript and npm's resolver along. It is loaded when it is first called.
 *   Source: runtime/index.ts and runtime/closure of @pulumi/pulumi.
 * - It keeps the stack of every promise that it makes, translated by source maps, and shows it only where
 *   PULUMI_DEBUG_PROMISE_LEAKS asks for it. Source: runtime/debuggable.ts of @pulumi/pulumi.
 */
const Module = require("node:module");
const { sep } = require("node:path");
const { isMainThread } = require("node:worker_threads");

const RUNTIME = ["", "@pulumi", "pulumi", "runtime", ""].join(sep);

// Loaders run preloads once more in a thread of their own, which runs no program.
if (isMainThread) {
  loadSerializerLate();
  if (!process.env.PULUMI_DEBUG_PROMISE_LEAKS) traceNoPromises();
}

function loadSerializerLate() {
  const load = Module._load;
  Module._load = function (request, parent, isMain) {
    const isSerializer =
      (request === "./closure/serializeClosure" || request === "./closure/codePaths") &&
      parent?.filename?.endsWith(`${RUNTIME}index.js`);
    if (!isSerializer) return load.call(this, request, parent, isMain);
    // All that these modules export are functions.
    const called =
      (name) =>
      (...given) =>
        load.call(this, request, parent, isMain)[name](...given);
    return new Proxy({}, { get: (_, name) => called(name) });
  };
}

/** Node asks this property for its way to write a stack whenever one is read; source-map-support sets it. */
function traceNoPromises() {
  let write;
  Object.defineProperty(Error, "prepareStackTrace", {
    configurable: true,
    get: () => write,
    set: (given) =>
      (write = given && ((error, frames) => (isOfPromise(frames) ? String(error) : given(error, frames)))),
  });
}

const isOfPromise = ([innermost]) => innermost?.getFileName()?.endsWith(`${RUNTIME}debuggable.js`) === true;
