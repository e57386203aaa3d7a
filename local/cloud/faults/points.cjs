/**
 * For tests: loaded before the cloud's program, ends it at one of the points of a batch's life, from outside of its code:
 * the arrival and the end of each request and gRPC call, each answer on a stream, each write of the state, each start of
 * a program. It writes down the points that it passes.
 *
 * FAULT_POINTS is a folder. Nothing happens but while `plan.json` is there: which `id` the life has, how to end (`SIGKILL`,
 * `SIGTERM`), where and how often at most. `<id>.passed` has a line for each point that was passed, `<id>.ended` for each
 * at which the process was ended. FAULT_DRIVER is a command (JSON) that a driver's recorder runs in Spark's place.
 */
"use strict";
const { appendFileSync, existsSync, readFileSync } = require("node:fs");
const { join } = require("node:path");
const childProcess = require("node:child_process");
const http = require("node:http");
const http2 = require("node:http2");
const { ClassicLevel } = require("classic-level");

const folder = process.env.FAULT_POINTS;
const inFolder = (name) => join(folder, name);
const read = (name) => (existsSync(inFolder(name)) ? readFileSync(inFolder(name), "utf8") : "");
const lines = (name) => read(name).split("\n").filter(Boolean);

/** The life that is watched, as the process of before left it. */
let life;
function watched() {
  const text = read("plan.json");
  if (text === "") return undefined;
  const plan = JSON.parse(text);
  if (life?.id === plan.id) return life;
  const passed = new Map();
  for (const point of lines(`${plan.id}.passed`)) passed.set(point, (passed.get(point) ?? 0) + 1);
  const ended = lines(`${plan.id}.ended`);
  const wanted = new Set(plan.points.filter((point) => !ended.includes(point)));
  return (life = { ...plan, passed, wanted, left: plan.most - ended.length });
}

/** What differs from batch to batch is left out, so that the same point has the same name in each. */
const named = (text) =>
  String(text)
    .replace(/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g, "UUID")
    .replace(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, "TIME")
    .replace(/[A-Za-z0-9_-]{32,}/g, "ID")
    .replace(/(?<=life[-_])\w+[-_]\d+(?![-\w])|attempt_\d+\w*|task_\d+\w*|job_\d+\w*|\d{4,}/g, "N")
    .replace(/\?(?:.*&)?name=([^&]+).*/, " of $1")
    .replace(/\?.*/, "");

function point(name) {
  const now = watched();
  if (!now) return;
  const count = now.passed.get(name) ?? 0;
  const here = `${name} #${count}`;
  if (now.left > 0 && now.wanted.has(here)) {
    now.left -= 1;
    now.wanted.delete(here);
    appendFileSync(inFolder(`${now.id}.ended`), `${here}\n`);
    process.kill(process.pid, now.signal);
    // A killed process must not get a step further.
    if (now.signal === "SIGKILL") Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
  }
  now.passed.set(name, count + 1);
  appendFileSync(inFolder(`${now.id}.passed`), `${name}\n`);
}

/** The test's own looks at the lab are no points of a batch's life. */
const isQuestion = ({ headers }) => headers["x-question"] !== undefined;

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
/** Interpreter's option, recorder and folder stay; the command behind them gets another one before it. */
const KEPT_WORDS = 3;
childProcess.spawn = function (command, words, ...rest) {
  const isDriver = (words ?? []).some((word) => String(word).endsWith("spark_process.py"));
  if (!isDriver) return spawn.call(this, command, words, ...rest);
  const driver = JSON.parse(process.env.FAULT_DRIVER ?? "[]");
  point("the driver is started");
  const child = spawn.call(
    this,
    command,
    [...words.slice(0, KEPT_WORDS), ...driver, ...words.slice(KEPT_WORDS)],
    ...rest,
  );
  child.once("spawn", () => point("the driver was started"));
  return child;
};
