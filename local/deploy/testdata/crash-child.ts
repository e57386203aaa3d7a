/**
 * Runs one operation and, at every point, copies the lab's folder as it lies there: what kill -9 at that moment would
 * leave behind. Points are before and after any write that is synced, any change of a folder and any call of the
 * provider. With a number as its last argument it is killed for good at that point instead.
 */
import { cpSync } from "node:fs";
import * as fs from "node:fs/promises";
import type { FileHandle } from "node:fs/promises";
import { join } from "node:path";
import { deploy } from "../index";
import type { ProviderPackage } from "../provider";
import { filesPackage } from "../testing";

const [operation, lab, config, copies, fatal] = process.argv.slice(2) as [string, string, string, string, string?];
let passed = 0;
const pass = () => {
  passed++;
  if (fatal === undefined) cpSync(lab, join(copies, String(passed)), { recursive: true, preserveTimestamps: true });
  else if (passed === Number(fatal)) process.kill(process.pid, "SIGKILL");
};
const around = <A extends unknown[], R>(work: (...args: A) => Promise<R>) =>
  async function (this: unknown, ...args: A): Promise<R> {
    pass();
    const result = await work.apply(this, args);
    pass();
    return result;
  };

async function main(): Promise<void> {
  const any = await fs.open(__filename);
  const handle = Object.getPrototypeOf(any) as FileHandle;
  await any.close();
  handle.datasync = around(handle.datasync);
  handle.sync = around(handle.sync);
  const module = require("node:fs/promises") as Record<string, (...args: unknown[]) => Promise<unknown>>;
  for (const name of ["rename", "link", "unlink", "copyFile"]) module[name] = around(module[name]!);
  const files = filesPackage(join(lab, "files"));
  const watched: ProviderPackage = {
    ...files,
    configure: (...args) => {
      const provider = files.configure(...args);
      for (const name of ["create", "update", "delete", "read"] as const)
        Object.assign(provider, { [name]: around((provider[name] as () => Promise<unknown>).bind(provider)) });
      return provider;
    },
  };
  const summary = await deploy({
    operation: operation as "up",
    program: join(__dirname, "steps"),
    stack: "test",
    lab,
    config: JSON.parse(config) as Record<string, string>,
    environment: { ...process.env, PULUMI_CONFIG_PASSPHRASE: "test" },
    display: "none",
    skipPreview: true,
    packages: { files: watched },
  });
  process.stdout.write(`${JSON.stringify({ passed, result: summary.result, errors: summary.errors })}\n`);
}

main().catch((error: unknown) => {
  process.stderr.write(`${(error as Error).stack}\n`);
  process.exit(1);
});
