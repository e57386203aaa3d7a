/** The state of a stack as data: here from the deployment host, elsewhere from the Pulumi CLI. */
import { z } from "zod";
import { exportStack } from "../local/deploy";
import { exportText } from "./google-cloud/pulumi";
import { LOCAL_STACK, UserError, type Lab } from "./lab";

/** The part of the engine's deployment format, version 3, that is read here; the rest goes through as it is. */
const resourceSchema = z.looseObject({
  urn: z.string(),
  type: z.string(),
  custom: z.boolean().default(false),
  id: z.string().optional(),
  parent: z.string().optional(),
  provider: z.string().optional(),
  dependencies: z.array(z.string()).optional(),
  propertyDependencies: z.record(z.string(), z.array(z.string()).nullable()).optional(),
  outputs: z.record(z.string(), z.unknown()).optional(),
});
export const stateSchema = z.looseObject({
  version: z.literal(3),
  deployment: z.looseObject({
    resources: z.array(resourceSchema).optional(),
    pending_operations: z.array(z.looseObject({ type: z.string(), resource: resourceSchema })).optional(),
  }),
});
export type State = z.infer<typeof stateSchema>;
export type Resource = z.infer<typeof resourceSchema>;

/** Secrets stay sealed unless they are asked for. */
export async function readState(lab: Lab, stack: string, showSecrets = false): Promise<State> {
  if (stack !== LOCAL_STACK) return stateSchema.parse(JSON.parse(await exportText(lab, stack, { showSecrets })));
  return stateSchema.parse(await exportStack({ lab: lab.folder, stack }, showSecrets));
}

export const resourcesOf = ({ deployment }: State): readonly Resource[] => deployment.resources ?? [];
export const nameOf = (urn: string) => urn.split("::").slice(3).join("::");

/** The resource of that URN, or of that name if only one has it. @throws UserError that names the candidates */
export function findResource(resources: readonly Resource[], wanted: string): Resource {
  const exact = resources.find(({ urn }) => urn === wanted);
  const named = resources.filter(({ urn }) => nameOf(urn) === wanted);
  const found = exact ?? (named.length === 1 ? named[0] : undefined);
  if (found) return found;
  const problem =
    named.length > 1 ? `expected one of ${named.map(({ urn }) => urn).join(", ")}` : "expected a URN of this stack";
  throw new UserError(`Resource: got "${wanted}"; ${problem}. npx sparklab state list`);
}
