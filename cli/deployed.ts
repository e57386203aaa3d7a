/** What a stack has deployed, read from its state: here from the deployment host, elsewhere from the Pulumi CLI. */
import { z } from "zod";
import { readState, resourcesOf } from "./deployment-state";
import { LOCAL_STACK, UserError, type Lab } from "./lab";

const outputsSchema = z.object({
  project: z.string(),
  region: z.string(),
  environment: z.string(),
  // Absent from what an older program has deployed.
  commit: z.string().default("unknown"),
  buckets: z.record(z.string(), z.string()),
  dataset: z.string(),
  tables: z.record(z.string(), z.string()),
  serviceAccounts: z.record(z.string(), z.string()),
  sessionTemplate: z.string(),
  /** `batch` is how a batch runs here, in the words of Dataproc's API: a submitter adds the job. */
  spark: z.object({
    batch: z.object({
      runtimeConfig: z.looseObject({ version: z.string() }),
      environmentConfig: z.looseObject({ executionConfig: z.looseObject({}) }),
    }),
    // Absent from what an older program has deployed.
    notebook: z.looseObject({}).optional(),
  }),
  code: z.string(),
  jobSettings: z.record(z.string(), z.string()),
  console: z.record(z.string(), z.string()),
  /** Where the whole lab is deployed. */
  trainingSchedule: z.string().optional(),
  topic: z.string().optional(),
  scoringUrl: z.string().optional(),
  airflowEnvironment: z.string().optional(),
});
/** Outputs of the program, as stacks/lab.ts exports them. */
export type StackOutputs = z.infer<typeof outputsSchema>;

export interface Deployed {
  /** Ids of cloud resources, providers and components apart. */
  ids: string[];
  /** Number of cloud resources by type. */
  byType: Record<string, number>;
  outputs?: Record<string, unknown>;
}

export async function readDeployed(lab: Lab, stack: string): Promise<Deployed> {
  const resources = resourcesOf(await readState(lab, stack));
  const managed = resources.filter(({ type, custom, id }) => custom && id && !type.startsWith("pulumi:"));
  const byType: Record<string, number> = {};
  for (const { type } of managed) byType[type] = (byType[type] ?? 0) + 1;
  const outputs = resources.find(({ type }) => type === "pulumi:pulumi:Stack")?.outputs;
  return { ids: managed.map(({ id }) => id!), byType, ...(outputs ? { outputs } : {}) };
}

/** @throws UserError when the stack has not been brought up. */
export async function readOutputs(lab: Lab, stack: string): Promise<StackOutputs> {
  const result = outputsSchema.safeParse((await readDeployed(lab, stack)).outputs ?? {});
  if (result.success) return result.data;
  const missing = result.error.issues.map((issue) => issue.path.join(".")).join(", ");
  throw new UserError(
    `Stack "${stack}": expected outputs ${missing}; got none. npx sparklab up${stack === LOCAL_STACK ? "" : ` -s ${stack}`}`,
  );
}
