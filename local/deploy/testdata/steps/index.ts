/** Runs the chosen cases as they are before or after their change. */
import * as pulumi from "@pulumi/pulumi";
import { ALIASES } from "./aliases";
import { CASES } from "./cases";
import { POLICED } from "./policed";
import { REFUSALS } from "./refusals";

const config = new pulumi.Config();
const outputs: Record<string, unknown> = {};
for (const name of config.require("cases").split(",")) {
  const program = { ...CASES, ...ALIASES, ...POLICED, ...REFUSALS }[name];
  if (!program) throw new Error(`no case ${name}`);
  Object.assign(outputs, program[config.require("moment") as "before" | "after"]());
}

export = outputs;
