/**
 * For tests: loaded before the cloud's program, ends it in its ordinary way when the test that started it is gone however
 * that ended, and then removes its lab. The channel to the test carries nothing; that it closes is the message.
 */
"use strict";
const { rmSync } = require("node:fs");
const { isMainThread } = require("node:worker_threads");

// Loaders run preloads once more in a thread of their own, which has no channel.
if (isMainThread) {
  process.once("disconnect", () => {
    const lab = process.argv[process.argv.indexOf("--lab") + 1];
    process.once("exit", () => rmSync(lab, { recursive: true, force: true }));
    process.kill(process.pid, "SIGTERM");
  });
  process.channel.unref();
}
