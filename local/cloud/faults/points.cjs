/**
 * For tests: loaded before the cloud's program, ends it at one of the points of a batch's life, from outside of its code:
 * the arrival and the end of each request and gRPC call, each answer on a stream, each write of the state, each start of
 * a program. Without a plan it writes down the points that it passes.
 *
 * FAULT_POINTS is a folder: `plan.json` says how to end (`SIGKILL`, `SIGTERM`) and where; `passed` has a line for each
 * point that was passed, `ended` for each at which the process was ended. Nothing happens but while `active` is there.
 */
"use strict";
const { appendFileSync, existsSync, readFileSync } = require("node:fs");
const { join } = require("node:path");
const childProcess = require("node:child_process");
const http = require("node:http");
const http2 = require("node:http2");
const { ClassicLevel } = require("classic-level");

const folder = process.env.FAULT_POINTS;
const lines = (name) =>
  existsSync(join(folder, name)) ? readFileSync(join(folder, name), "utf8").split("\n").filter(Boolean) : [];
const passed = new Map();
for (const point of lines("passed")) passed.set(point, (passed.get(point) ?? 0) + 1);
const plan = existsSync(join(folder, "plan.json")) ? JSON.parse(readFileSync(join(folder, "plan.json"), "utf8")) : undefined;
const wanted = new Set(plan?.points ?? []);
for (const point of lines("ended")) wanted.delete(point);
let left = (plan?.most ?? 0) - lines("ended").length;

/** What differs from batch to batch is left out, so that the same point has the same name in each. */
const named = (text) =>
  String(text)
    .replace(/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g, "UUID")
    .replace(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, "TIME")
    .replace(/[A-Za-z0-9_-]{32,}/g, "ID")
    .replace(/(?<=life[-_])\w+[-_]\d+(?![-\w])|attempt_\d+\w*|task_\d+\w*|job_\d+\w*|\d{4,}/g, "N")
    .replace(/\?.*/, "");

function point(name) {
  if (!existsSync(join(folder, "active"))) return;
  const count = passed.get(name) ?? 0;
  const here = `${name} #${count}`;
  if (left > 0 && wanted.has(here)) {
    left -= 1;
    wanted.delete(here);
    appendFileSync(join(folder, "ended"), `${here}\n`);
    process.kill(process.pid, plan.signal);
    // A killed process must not get a step further.
    if (plan.signal === "SIGKILL") Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
  }
  passed.set(name, count + 1);
  appendFileSync(join(folder, "passed"), `${name}\n`);
}

/** The test's own questions how far the batch is are no points of its life. */
const isQuestion = ({ method, url }) => method === "GET" && /\/batches\/[^/]+$/.test(url);

const serve = http.Server.prototype.emit;
http.Server.prototype.emit = function (event, request, response, ...rest) {
  if ((event === "request" || event === "checkContinue") && !isQuestion(request)) {
    const host = /^127\./.test(request.headers.host) ? "metadata" : request.headers.host;
    const name = `${request.method} ${host}${named(request.url)}`;
    // Of a call that only reads the end is no other point than the beginning.
    if (request.method === "GET") point(`${name} arrives`);
    else response.once("finish", () => point(`${name} is answered`));
  }
  return serve.call(this, event, request, response, ...rest);
};

const http2Server = Object.getPrototypeOf(http2.createServer());
const stream = http2Server.emit;
http2Server.emit = function (event, call, headers, ...rest) {
  if (event === "stream" && /grpc/.test(headers["content-type"] ?? "")) {
    const name = headers[":path"];
    point(`${name} arrives`);
    const write = call.write;
    call.write = function (...words) {
      point(`${name} answers`);
      return write.apply(this, words);
    };
    call.once("close", () => point(`${name} has ended`));
  }
  return stream.call(this, event, call, headers, ...rest);
};

const batch = ClassicLevel.prototype.batch;
ClassicLevel.prototype.batch = async function (changes, ...rest) {
  const name = `state: ${[...new Set(changes.map(({ type, key }) => `${type} ${named(key)}`))].join(", ")}`;
  // The point after it is the answer of the call that wrote.
  point(`${name} is written`);
  return batch.call(this, changes, ...rest);
};

const { spawn } = childProcess;
childProcess.spawn = function (command, words, ...rest) {
  const isDriver = (words ?? []).some((word) => String(word).endsWith("spark_process.py"));
  if (isDriver) point("the driver is started");
  const child = spawn.call(this, command, words, ...rest);
  if (isDriver) child.once("spawn", () => point("the driver was started"));
  return child;
};
