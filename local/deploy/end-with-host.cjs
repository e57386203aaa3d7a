/**
 * Loaded into the program before anything else: ends it when its host is gone, however the host ended. The channel to
 * the host carries nothing; that it closes is the message. It does not keep a finished program alive.
 */
const { isMainThread } = require("node:worker_threads");

// Loaders run preloads once more in a thread of their own, which has no channel.
if (isMainThread) {
  process.once("disconnect", () => process.exit(1));
  process.channel.unref();
}
