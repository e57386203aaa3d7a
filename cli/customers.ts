/** Checks the customers' CSV before it is uploaded, with the same rules that the jobs rely on. */
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { parse } from "yaml";
import { readTools } from "../local/engines/tools";
import { LOCAL_STACK, UserError, type Lab } from "./lab";

/** The file that the local stack uploads: its own setting, else the default that the project declares, if it does. */
export function customersFile(lab: Lab): string | undefined {
  const read = (file: string) => parse(readFileSync(join(lab.root, file), "utf8")) as { config?: object };
  const stack = read(`Pulumi.${LOCAL_STACK}.yaml`).config as Record<string, string> | undefined;
  const project = read("Pulumi.yaml").config as { customers?: { default?: string } } | undefined;
  const file = stack?.["sparklab:customers"] ?? project?.customers?.default;
  return file === undefined ? undefined : resolve(lab.root, file);
}

/** @throws UserError with every problem of the file, as the Python checker words them. */
export function checkCustomers(lab: Lab, file: string): void {
  const check = spawnSync(readTools().python.clients, ["-m", "sparklab.customers_csv", file], {
    env: { PATH: process.env.PATH, PYTHONPATH: join(lab.root, "pyspark", "src") },
    encoding: "utf8",
  });
  if (check.error) throw check.error;
  if (check.status !== 0) throw new UserError(`${check.stderr}${check.stdout}`.trim());
}
