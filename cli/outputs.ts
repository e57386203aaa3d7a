/** Outputs of a stack, as its program exports them: from this machine's state, or from the Pulumi CLI for other stacks. */
import { execFileSync } from "node:child_process";
import { z } from "zod";
import { readStackOutputs } from "../local/deploy";
import { LOCAL_STACK, UserError, type Lab } from "./lab";

const schema = z.object({
  project: z.string(),
  region: z.string(),
  environment: z.string(),
  buckets: z.record(z.string(), z.string()),
  dataset: z.string(),
  tables: z.record(z.string(), z.string()),
  serviceAccounts: z.record(z.string(), z.string()),
  sessionTemplate: z.string(),
  spark: z.object({ runtimeVersion: z.string(), serviceAccount: z.string(), stagingBucket: z.string() }),
  code: z.string(),
  jobSettings: z.record(z.string(), z.string()),
  console: z.record(z.string(), z.string()),
});
export type StackOutputs = z.infer<typeof schema>;

/** @throws UserError when the stack has not been brought up. */
export async function readOutputs(lab: Lab, stack: string): Promise<StackOutputs> {
  const raw = stack === LOCAL_STACK ? await readStackOutputs({ lab: lab.folder, stack }) : pulumiOutputs(lab, stack);
  const result = schema.safeParse(raw ?? {});
  if (!result.success) {
    const missing = result.error.issues.map((issue) => issue.path.join(".")).join(", ");
    throw new UserError(`Stack "${stack}": expected outputs ${missing}; got none. npx sparklab up${stack === LOCAL_STACK ? "" : ` -s ${stack}`}`);
  }
  return result.data;
}

function pulumiOutputs(lab: Lab, stack: string): unknown {
  try {
    return JSON.parse(execFileSync("pulumi", ["stack", "output", "--json", "--stack", stack], { cwd: lab.root, encoding: "utf8" }));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    throw new UserError(`Stack "${stack}" is on Google Cloud and needs the Pulumi CLI. curl -fsSL https://get.pulumi.com | sh`);
  }
}
