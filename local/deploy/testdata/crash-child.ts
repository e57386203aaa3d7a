/**
 * Runs one operation and passes points: before and after any change of a folder and any call of the provider; before, in
 * the middle of and after any write of a file, and once it is synced. `kill N` ends it for good at the Nth point;
 * `copy FOLDER` copies the lab at each as it lies there, which is what kill -9 at that moment leaves behind.
 * It is run as one file that stands in the host's folder.
 */
import { cpSync } from "node:fs";
import * as fs from "node:fs/promises";
import type { FileHandle } from "node:fs/promises";
import { join } from "node:path";
import { deploy } from "../index";
import type { ProviderPackage } from "../provider";
import { filesPackage } from "../testing";

const [operation, lab, config, mode, where] = process.argv.slice(2) as [
  string,
  string,
  string,
  "kill" | "copy",
  string,
];
let passed = 0;
const pass = () => {
  passed++;
  if (mode === "copy") cpSync(lab, join(where, String(passed)), { recursive: true, preserveTimestamps: true });
  else if (passed === Number(where)) process.kill(process.pid, "SIGKILL");
};
const around = <A extends unknown[], R>(work: (...args: A) => Promise<R>) =>
  async function (this: unknown, ...args: A): Promise<R> {
    pass();
    const result = await work.apply(this, args);
    pass();
    return result;
  };
/** A write in two halves, so that it can end between them. */
const inHalves = (work: (text: string) => Promise<void>) =>
  async function (this: FileHandle, text: string): Promise<void> {
    const middle = Math.ceil(text.length / 2);
    pass();
    await work.call(this, text.slice(0, middle));
    pass();
    await work.call(this, text.slice(middle));
    pass();
  };

async function main(): Promise<void> {
  const any = await fs.open(__filename);
  const handle = Object.getPrototypeOf(any) as FileHandle;
  await any.close();
  for (const name of ["appendFile", "writeFile"] as const)
    handle[name] = inHalves(handle[name] as (text: string) => Promise<void>) as FileHandle["appendFile"];
  for (const name of ["datasync", "sync"] as const) handle[name] = around(handle[name]);
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
    program: join(__dirname, "testdata/steps"),
    stack: "test",
    lab,
    config: JSON.parse(config) as Record<string, string>,
    environment: { ...process.env, PULUMI_CONFIG_PASSPHRASE: "test" },
    skipPreview: true,
    packages: { files: watched },
  });
  process.stdout.write(`${JSON.stringify({ passed, result: summary.result, errors: summary.errors })}\n`);
}

main().catch((error: unknown) => {
  process.stderr.write(`${(error as Error).stack}\n`);
  process.exit(1);
});
