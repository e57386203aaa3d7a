/** What a child process of set-up is told of when it ends badly. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, test } from "node:test";
import { execLogged } from "./child.mjs";

let folder;
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), "child-"))));
afterEach(() => rmSync(folder, { recursive: true, force: true }));
const exec = (command, args) => execLogged(command, args, { log: join(folder, "log") });

test("says what helps when the cause is known", async () => {
  const failing = (text) => exec("sh", ["-c", `echo '${text}'; exit 1`]);
  await assert.rejects(
    failing("invalid peer certificate: UnknownIssuer"),
    /\nThis network's certificate authority.*SSL_CERT_FILE/,
  );
  await assert.rejects(failing("npm error code ENOTFOUND"), /\nThe package registry was not reached/);
});

test("says that a command is not there", async () => {
  await assert.rejects(exec("no-such-command", []), /no-such-command could not be started.*ENOENT/s);
});
