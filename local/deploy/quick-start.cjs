/**
 * Loaded into the program before Pulumi's runtime: leaves out what the runtime does and nobody has use for here. Together
 * it is about half of what a program of some hundred resources takes.
 *
 * - Its serializer of functions brings TypeScript and npm's resolver along. It is loaded when it is first called.
 *   Source: runtime/index.ts and runtime/closure of @pulumi/pulumi.
 * - It keeps the stack of every promise that it makes, and shows it only where PULUMI_DEBUG_PROMISE_LEAKS asks for it.
 *   Source: runtime/debuggable.ts of @pulumi/pulumi.
 * - It tells the engine of each thing that it does, one message after the other, four for a resource, and where each
 *   resource is declared, down the whole stack. This engine keeps neither. Source: log/index.ts and resource.ts.
 * - A loader of TypeScript looks into every file that is required, and has Node read the source map of each. The SDKs are
 *   JavaScript, and whoever prints a stack here, source-map-support, reads the maps by itself.
 */
const Module = require("node:module");
const { sep } = require("node:path");
const { isMainThread } = require("node:worker_threads");
const { keepOwnLoader } = require("../own-loader.cjs");

const MODULES = `${sep}node_modules${sep}`;
const RUNTIME = ["", "@pulumi", "pulumi", "runtime", ""].join(sep);
const LOG = ["", "@pulumi", "pulumi", "log", "index.js"].join(sep);
const RESOURCE = ["", "@pulumi", "pulumi", "resource.js"].join(sep);
/** What the SDKs consist of: JavaScript in the form that `require` knows. */
const PLAIN = ["@pulumi", "@grpc", "@opentelemetry", "google-protobuf"].map((name) => `${MODULES}${name}${sep}`);

// Loaders run preloads once more in a thread of their own, which runs no program.
if (isMainThread) {
  changeRuntime();
  loadSdksPlainly();
  process.setSourceMapsEnabled = () => undefined;
}

function changeRuntime() {
  const load = Module._load;
  Module._load = function (request, parent, isMain) {
    if (!parent?.filename?.endsWith(`${RUNTIME}index.js`) || !isSerializer(request))
      return load.call(this, request, parent, isMain);
    // All that these modules export are functions.
    const called =
      (name) =>
      (...given) =>
        load.call(this, request, parent, isMain)[name](...given);
    return new Proxy({}, { get: (_, name) => called(name) });
  };
  const loadFile = Module.prototype.load;
  Module.prototype.load = function (filename) {
    loadFile.call(this, filename);
    if (filename.endsWith(RESOURCE)) this.exports.Resource.stackTrace = () => [];
    if (filename.endsWith(LOG)) this.exports.debug = () => Promise.resolve();
    if (filename.endsWith(`${RUNTIME}debuggable.js`) && !process.env.PULUMI_DEBUG_PROMISE_LEAKS)
      this.exports.debuggablePromise = withoutStacks(this.exports.debuggablePromise);
  };
}

const isSerializer = (request) => request === "./closure/serializeClosure" || request === "./closure/codePaths";

function withoutStacks(make) {
  return (...given) => {
    const limit = Error.stackTraceLimit;
    Error.stackTraceLimit = 0;
    try {
      return make(...given);
    } finally {
      Error.stackTraceLimit = limit;
    }
  };
}

function loadSdksPlainly() {
  const isPlain = (filename) => PLAIN.some((folder) => filename.includes(folder));
  const load = Module._load;
  let isSettled = false;
  Module._load = function (request, parent, isMain) {
    // The first file that no loader is made of: all loaders are in their places.
    if (!isSettled && parent?.filename && isPlain(parent.filename)) {
      isSettled = true;
      keepOwnLoader(isPlain);
    }
    return load.call(this, request, parent, isMain);
  };
}
