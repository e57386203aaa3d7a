/**
 * Loaded before a program that serves HTTP: its port becomes a socket of its own, as a container's port is its own, and
 * packages are found in its own folder only, as in the cloud, where there is no other.
 */
const Module = require("node:module");
const { Server } = require("node:net");
const { sep } = require("node:path");

const FRAMEWORK = "@google-cloud/functions-framework";

const { PORT, SPARKLAB_SOCKET: socket, SPARKLAB_SOURCE: source } = process.env;
delete process.env.SPARKLAB_SOCKET;
delete process.env.SPARKLAB_SOURCE;

const listen = Server.prototype.listen;
Server.prototype.listen = function (...args) {
  const [first, ...rest] = args;
  const port = typeof first === "object" && first !== null ? first.port : first;
  if (String(port) !== PORT) return listen.apply(this, args);
  // Host and backlog of a port mean nothing to a socket; what is left of them is the listener.
  return listen.call(this, { path: socket }, ...rest.filter((item) => typeof item === "function"));
};

// The framework that starts a function is the one that its code registers with.
const framework = require.resolve(FRAMEWORK);
const resolveFilename = Module._resolveFilename;
Module._resolveFilename = (request, parent, ...rest) =>
  request === FRAMEWORK ? framework : resolveFilename(request, parent, ...rest);

const nodeModulePaths = Module._nodeModulePaths;
Module._nodeModulePaths = (from) => {
  const paths = nodeModulePaths(from);
  return from === source || from.startsWith(source + sep)
    ? paths.filter((path) => path.startsWith(source + sep))
    : paths;
};
