/**
 * Runs one operation and kills itself, as kill -9 would, at the given point: before or after any write that is synced,
 * any change of a folder, and any call of the provider. Tells how many points it passed when it lived to the end.
 */
import * as fs from "node:fs/promises";
import type { FileHandle } from "node:fs/promises";
import { join } from "node:path";
import { deploy } from "../index";
import type { ProviderPackage } from "../provider";
import { filesPackage } from "../testing";

const [operation, lab, config, point] = process.argv.slice(2) as [string, string, string, string];
let passed = 0;
const pass = () => {
  if (++passed === Number(point)) process.kill(process.pid, "SIGKILL");
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
